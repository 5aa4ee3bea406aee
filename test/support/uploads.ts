/** Files as a client brings them, over HTTP and nothing else. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import worker from "../../src/index.ts";
import { filesOf } from "../../src/objects/files.ts";
import type { FileAnswer } from "../../src/protocol/upload.ts";
import { call, newTenant, newToken } from "../routes/edge.ts";
import { everything, type TestTenant } from "./api.ts";

export const room = "general";

/** A tenant, and the token of the user `ada`, who may do everything. */
export interface Uploader {
  readonly tenant: TestTenant;
  readonly token: string;
}

export async function newUploader(limits: Readonly<Record<string, number>> = {}): Promise<Uploader> {
  const tenant = await newTenant({ publishPerUserBurst: 1_000, publishPerUserPerSecond: 1_000, ...limits });
  return { tenant, token: await newToken(tenant, "ada", { "*": everything }) };
}

export function announce(
  credential: string,
  file: { readonly size: number; readonly name?: string; readonly sha256?: string; readonly inParts?: boolean },
): Promise<Response> {
  const body = { name: "file.bin", type: "application/octet-stream", ...file };
  return call(`/v1/rooms/${room}/uploads`, { method: "POST", credential, body });
}

/** The id of one that was announced. */
export async function announced(credential: string, file: Parameters<typeof announce>[1]): Promise<string> {
  const made = await announce(credential, file);
  if (made.status !== 201) throw new Error(`not announced: ${await made.text()}`);
  return (await made.json<{ upload: string }>()).upload;
}

type Content = string | Uint8Array | ReadableStream<Uint8Array>;

/** Without a `Content-Length` unless it is said: a body in pieces has none. */
export async function put(
  credential: string,
  path: string,
  content: Content | null,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const request = new Request(`http://parley.test/v1/uploads/${path}`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${credential}`, ...headers },
    body: content,
  });
  return worker.fetch(request, env, createExecutionContext());
}

/** Announced and put. */
export async function uploaded(
  credential: string,
  content: string | Uint8Array,
  name = "file.bin",
): Promise<FileAnswer> {
  const size = typeof content === "string" ? new TextEncoder().encode(content).length : content.length;
  const id = await announced(credential, { size, name });
  const stored = await put(credential, `${id}/content`, content);
  if (stored.status !== 200) throw new Error(`not stored: ${await stored.text()}`);
  return (await stored.json<{ file: FileAnswer }>()).file;
}

/** In chunks, and then it ends, or breaks off. */
export function flowing(bytes: Uint8Array, { chunk = 1_000, breaks = false } = {}): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.slice(at, (at += chunk)));
      else if (breaks) controller.error(new Error("as a test asked"));
      else controller.close();
    },
  });
}

/** All but its first bytes come when the test says so. `begun` when the first have been taken. */
export function heldBack(text: string): { body: ReadableStream<Uint8Array>; go: () => void; begun: Promise<void> } {
  const bytes = new TextEncoder().encode(text);
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let pulls = 0;
  const body: ReadableStream<Uint8Array> = new ReadableStream({
    type: "bytes",
    async pull(controller) {
      if (++pulls === 1) return controller.enqueue(bytes.slice(0, 2));
      begun.resolve();
      await gate.promise;
      if (pulls === 2) controller.enqueue(bytes.slice(2));
      else controller.close();
    },
  });
  return { body, go: () => gate.resolve(), begun: begun.promise };
}

export async function inBucket({ id }: TestTenant): Promise<string[]> {
  const { objects } = await env.UPLOADS.list({ prefix: filesOf(id) });
  return objects.map(({ key }) => key.slice(filesOf(id).length)).sort();
}

/** What is left of the limits on files, by scope. */
export async function left(credential: string): Promise<Record<string, number>> {
  const { levels } = await (
    await call("/v1/limits", { credential })
  ).json<{ levels: { scope: string; remaining: number }[] }>();
  return Object.fromEntries(
    levels.filter(({ scope }) => scope.startsWith("upload")).map(({ scope, remaining }) => [scope, remaining]),
  );
}

export async function sha256Of(content: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", content);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The same bytes each time, unlike any neighbour. */
export function someBytes(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
}
