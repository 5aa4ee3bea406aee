/** What is exported of a tenant and of a user. */
import { env } from "cloudflare:workers";
import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, expect, test } from "vitest";
import { roomStub } from "../../src/objects/stubs.ts";
import type { Actor } from "../../src/protocol/actor.ts";
import { TenantRow } from "../../src/protocol/export.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { everything, operatorKey, type TestTenant } from "../support/api.ts";
import { pass, startClock, stopClock } from "../support/clock.ts";
import { addFile } from "../support/files.ts";
import { roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { asOperator, call, newTenant, newToken } from "./edge.ts";
import { refused } from "./answers.ts";
import { exported, fullRoom, historyOf, linesOf, textOf } from "./exported.ts";

let tenant: TestTenant;
let ada: string;
let bo: string;

beforeEach(async () => {
  stopClock();
  tenant = await newTenant(roomy, { origins: ["https://app.test"] });
  [ada = "", bo = ""] = await Promise.all(["ada", "bo"].map((user) => newToken(tenant, user, { "*": everything })));
});
afterEach(() => startClock());

const ask = async (method: string, path: string, body?: unknown, credential = tenant.key): Promise<void> => {
  const answer = await call(path, { method, credential, ...(body === undefined ? {} : { body }) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
};

async function settle(): Promise<void> {
  const provider = {
    issuer: "https://idp.example.com/",
    jwksUrl: "https://idp.example.com/jwks",
    algorithms: ["RS256"],
  };
  await ask("POST", "/v1/issuers", provider);
  await ask("POST", "/v1/webhooks", { url: "https://hooks.example.com/", events: ["message.created"] });
  await ask("PUT", "/v1/bans/eve", { reason: "spam" });
  await ask("POST", "/v1/revocations", { user: "dee", reason: "left" });
  await ask("POST", "/v1/rooms/one/messages/3/flags", { reason: "rude" }, bo);
}

test("[D15] a tenant's export holds what it has set and decided, no secret, and each room as an export of its own", async () => {
  for (const room of ["one", "two"]) await fullRoom(tenant, room);
  await settle();
  const rooms = await Promise.all(["one", "two"].map((room) => exported(tenant, room)));
  const answer = await asOperator(`/v1/tenants/${tenant.id}/export`, { method: "POST" });
  const text = await textOf(answer);
  const lines = linesOf(text);
  expect(lines[0]).toMatchObject({ type: "export", version: 1, kind: "tenant", tenant: tenant.id });
  const { counts } = lines.at(-1) as unknown as { counts: Record<string, number> };
  expect(counts).toMatchObject({ tenant: 1, key: 1, issuer: 1, webhook: 1, ban: 1, revocation: 1, flag: 1, room: 2 });
  const own = lines.slice(
    1,
    lines.findIndex(({ kind }) => kind === "room"),
  );
  for (const line of own) expect(TenantRow.parse(line)).toEqual(line);
  expect(counts["audit"]).toBe(own.filter(({ type }) => type === "audit").length);
  // Whole, but for the time in the first line.
  for (const room of rooms) expect(text).toContain(historyOf(room));
  expect(lines.filter(({ type, kind }) => type === "end" && kind === "room")).toEqual(
    rooms.map((room) => linesOf(room).at(-1)),
  );
  for (const secret of [tenant.key, ada, operatorKey])
    expect(text.includes(secret.split("_").at(-1) ?? secret)).toBe(false);
});

test("[D16] a user's export holds all that rooms and the tenant hold of him, and of others nothing but what he said to them", async () => {
  for (const room of ["one", "two"]) await fullRoom(tenant, room);
  await settle();
  await ask("PUT", "/v1/bans/bo", { reason: "for a test" });
  const of = async (user: string) =>
    linesOf(await textOf(await call(`/v1/users/${user}/export`, { credential: tenant.key })));
  const lines = await of("bo");
  expect(lines[0]).toMatchObject({ type: "export", kind: "user", user: "bo" });
  expect(lines.at(-1)).toMatchObject({
    counts: { ban: 1, flag: 1, member: 2, message: 2, reaction: 4, audit: 2 },
  });
  expect(lines.filter(({ type }) => type === "message")).toMatchObject([
    { room: "one", text: "a reply", sender: { id: "bo" } },
    { room: "two", text: "a reply" },
  ]);
  expect(lines.filter(({ type }) => type === "member")).toMatchObject([
    { room: "one", user: "bo", readUpTo: 3 },
    { room: "two", user: "bo" },
  ]);
  // Who has asked is written down, and about whom; the reason is about him.
  expect(lines.filter(({ type }) => type === "audit")).toMatchObject([
    { action: "user.banned", target: { user: { text: "bo" } }, after: { reason: { text: "for a test" } } },
    { action: "user.exported", target: { user: { text: "bo" } } },
  ]);
  const text = JSON.stringify(lines);
  for (const other of ["first", "spam", "loud", "eve", "dee"])
    expect([other, text.includes(`"${other}"`)]).toEqual([other, false]);
  // Of what ada has done to others it does not say to whom.
  const hers = await of("ada");
  const done = hers.filter(({ type, action }) => type === "audit" && action === "room.user_banned");
  expect(done).toMatchObject([
    { actor: { id: { text: "ada" } }, target: { user: { text: null } }, after: { reason: { text: null } } },
    { target: { user: { text: null } } },
  ]);
  // Nobody has no lines.
  expect((await of("nobody")).map(({ type }) => type)).toEqual(["export", "audit", "end"]);
});

test("[D16] a user's export names files of his that no message carries, and uploads of his that are not complete", async () => {
  const file = { type: "image/png", size: 10 };
  await ask("POST", "/v1/rooms/one/messages", { text: "x" }, ada);
  const waiting = await addFile(tenant, "one", "ada", { name: "waiting.png" });
  await addFile(tenant, "one", "bo", { name: "another's.png" });
  const carried = await addFile(tenant, "one", "ada", { name: "carried.png" });
  await ask("POST", "/v1/rooms/one/messages", { text: "x", attachments: [carried] }, ada);
  await ask("POST", "/v1/rooms/one/uploads", { ...file, name: "open.png" }, ada);
  await ask("POST", "/v1/rooms/one/uploads", { ...file, name: "another's.png" }, bo);
  const text = await textOf(await call("/v1/users/ada/export", { credential: tenant.key }));
  const found = linesOf(text).filter(({ type }) => type === "file" || type === "upload");
  expect(found).toHaveLength(3);
  for (const line of [
    { type: "file", room: "one", message: 2, id: carried },
    { type: "file", room: "one", message: null, id: waiting, name: "waiting.png" },
    { type: "upload", room: "one", name: "open.png", size: 10 },
  ])
    expect(found).toContainEqual(expect.objectContaining(line));
});

test("[D15] a tenant's import that was cut off in a room is taken whole when it is sent again, and not before", async () => {
  await fullRoom(tenant, "one");
  const text = await textOf(await asOperator(`/v1/tenants/${tenant.id}/export`, { method: "POST" }));
  const other = await newTenant(roomy);
  const send = () =>
    call(`/v1/tenants/${other.id}/import`, {
      method: "POST",
      credential: operatorKey,
      body: text,
      headers: { "Content-Type": "application/x-ndjson" },
    });
  // As far as whoever took it had come when it was lost.
  const operator: Actor = { kind: "operator", id: null, requestId: "r" };
  const begun = await roomStub(env, other.id, "one").beginImport(operator);
  expect(begun.ok).toBe(true);
  await refused(await send(), 503, "overloaded");
  pass(fixedLimits.importIdleMs + 1);
  await runDurableObjectAlarm(roomObject(other, "one"));
  expect(await (await send()).json()).toMatchObject({ rooms: 1, skipped: [] });
  expect(historyOf(await exported(other, "one"))).toBe(historyOf(await exported(tenant, "one")));
  expect(await (await send()).json()).toMatchObject({ rooms: 0, skipped: ["one"] });
});
