/** Rooms with something of everything in them, and what is exported of them. */
import { expect } from "vitest";
import { everything, type TestTenant } from "../support/api.ts";
import { call, newToken } from "./edge.ts";

export type ExportedLine = { readonly type: string } & Record<string, unknown>;

export async function exported(tenant: TestTenant, room: string): Promise<string> {
  const answer = await call(`/v1/rooms/${room}/export`, { credential: tenant.key });
  expect(answer.status).toBe(200);
  return textOf(answer);
}

/** Of a body that the platform does not take for text, and says so in the log. */
export async function textOf(answer: Response): Promise<string> {
  return new TextDecoder().decode(await answer.arrayBuffer());
}

export function imported(tenant: TestTenant, room: string, text: string): Promise<Response> {
  const headers = { "Content-Type": "application/x-ndjson" };
  return call(`/v1/rooms/${room}/import`, { method: "POST", credential: tenant.key, body: text, headers });
}

export function linesOf(text: string): ExportedLine[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as ExportedLine);
}

/** What the hash covers: all but the first line and the last. */
export function historyOf(text: string): string {
  const lines = text.trimEnd().split("\n");
  return lines.slice(1, -1).join("\n");
}

/** The same lines with an end that is true of them. */
export async function withEnd(head: string, lines: readonly string[]): Promise<string> {
  const body = lines.map((line) => `${line}\n`).join("");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(body));
  const hash = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const counts: Record<string, number> = {};
  for (const line of lines) {
    const { type } = JSON.parse(line) as ExportedLine;
    counts[type] = (counts[type] ?? 0) + 1;
  }
  return `${head}\n${body}${JSON.stringify({ type: "end", kind: "room", counts, hash })}\n`;
}

/** A message, an edit, a tombstone, reactions, threads, members with and without a seq, bans, mutes, expiry, data of every kind. */
export async function fullRoom(
  tenant: TestTenant,
  room: string,
  { from = 0, name = "Ada" }: { readonly from?: number; readonly name?: string } = {},
): Promise<void> {
  const at = (id: number): number => id + from;
  const path = `/v1/rooms/${room}`;
  const [ada, bo] = await Promise.all(["ada", "bo"].map((user) => newToken(tenant, user, { "*": everything })));
  const ask = async (method: string, way: string, body?: unknown, credential = ada): Promise<void> => {
    const answer = await call(path + way, { method, credential, ...(body === undefined ? {} : { body }) });
    expect([way, answer.status < 300, answer.ok ? "" : await answer.text()]).toEqual([way, true, ""]);
  };
  if (from === 0) await ask("PUT", "", {});
  await ask("PUT", "/members/ada", { role: "owner", name });
  await ask("PUT", "/members/cy", { role: "member", name: 'Cy "the" ✂' });
  await ask("POST", "/messages", { text: "first", nonce: "nonce-0001", mentions: ["bo"] });
  await ask("POST", "/messages", {
    text: "line\nbreak \u2028 👍 \u0000",
    data: { a: [1, null, { b: -1.5e-7 }], ü: "" },
  });
  await ask("POST", "/messages", { text: "a reply", replyTo: at(3) }, bo);
  await ask("POST", "/messages", { text: "to be edited" });
  await ask("POST", "/messages", { text: "to be deleted", nonce: "nonce-0002" });
  await ask("POST", "/messages", { text: "for an hour", expiresInMs: 3_600_000 });
  await ask("POST", "/messages", { data: [] }, tenant.key);
  await ask("PATCH", `/messages/${at(7)}`, { text: "edited", data: {} });
  await ask("DELETE", `/messages/${at(8)}`);
  await ask("PUT", `/messages/${at(3)}/reactions/%F0%9F%91%8D`);
  await ask("PUT", `/messages/${at(3)}/reactions/%F0%9F%91%8D`, undefined, bo);
  await ask("PUT", `/messages/${at(3)}/reactions/constructor`, undefined, bo);
  await ask("PUT", "/read", { upTo: at(4) });
  await ask("PUT", "/read", { upTo: at(3) }, bo);
  await ask("PUT", "/mutes/dee", { reason: "loud" });
  await ask("PUT", "/bans/eve", { reason: "spam", shadow: true, until: 4_102_444_800_000 });
  const eve = await newToken(tenant, "eve", { "*": everything.filter((capability) => capability !== "moderate") });
  await ask("POST", "/messages", { text: "hidden" }, eve);
  await ask("DELETE", "/members/cy");
}
