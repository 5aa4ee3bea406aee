/** Nothing that opens anything is written down: every table of every object is read, and all secrets are looked for in every encoding. */
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { webhookObjectName, webhookStub } from "../../src/objects/stubs.ts";
import { roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { dump } from "../support/dump.ts";
import { unspeakable } from "../support/unspeakable.ts";
import { operatorKey } from "../support/api.ts";
import { askUpgrade, call, connect, newToken } from "./edge.ts";
import { Room } from "../../src/objects/room/room.ts";
import { assistantKey, newWorld, type Operation, operations, perform, release, type World } from "./operations.ts";

const masterKey = "test-master-key-".repeat(3);
const ending = new Set(["DELETE /v1/rooms/{room}", "DELETE /v1/tenants/{tenant}", "POST /v1/tenants/{tenant}/suspend"]);

afterEach(() => {
  vi.restoreAllMocks();
});

/** Calls every operation, what takes something away last, and answers with every credential that each has shown. */
async function fill(world: World): Promise<Map<Operation["name"], string[]>> {
  const shown = new Map<Operation["name"], string[]>();
  const takesAway = ({ name }: Operation): boolean =>
    name.startsWith("DELETE") || /bans|kicks|mutes|revocations/.test(name);
  // In a room that another operation has frozen nobody answers.
  const rank = (operation: Operation): number =>
    operation.name.endsWith("/assistant") ? -1 : Number(takesAway(operation));
  const called = operations.filter(({ name }) => !ending.has(name)).sort((one, other) => rank(one) - rank(other));
  for (const operation of called) {
    // What one of them has ended is not the next one's stream.
    const response = await perform(operation, { ...world, names: { ...world.names } });
    if (!takesAway(operation)) expect([operation.name, response.status]).toEqual([operation.name, operation.first]);
    if (operation.stream === true || response.webSocket !== null) await release(response);
    else {
      const secrets = secretsIn(new TextDecoder().decode(await response.arrayBuffer()));
      if (secrets.length > 0) shown.set(operation.name, secrets);
    }
  }
  return shown;
}

const secretsIn = (text: string): string[] =>
  text.match(/eyJ[\w-]+\.[\w-]+\.[\w-]+|parley_[a-z0-9-]+_\w+?_[\w-]{43}|whsec_[\w+/=]+/g) ?? [];

/** The text itself, its last part alone, and the bytes of each, as somebody might have written them. */
function spellingsOf(secret: string): string[] {
  const tail = /[\w+/=-]+$/.exec(secret.replace(/^whsec_/, ""))?.[0].slice(-43) ?? secret;
  const texts = [secret, tail];
  const bytes = texts.map((text) => new TextEncoder().encode(text));
  const decoded = /^[\w-]{43}$/.test(tail) ? [fromBase64(tail)] : [];
  const written = [...bytes, ...decoded].flatMap((each) => [hex(each), base64(each), base64url(each)]);
  // What stands at another place of three bytes has other letters at its ends.
  return [...texts, ...written.map((text) => text.slice(4, -4))].filter((text) => text.length >= 12);
}

const fromBase64 = (text: string): Uint8Array =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.codePointAt(0) ?? 0);
const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
const base64url = (bytes: Uint8Array): string =>
  base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

test("[A26] no table of any object holds a key, a token, a ticket or a master key, in no encoding", async () => {
  const world = await newWorld(roomy);
  const { tenant, names, token } = world;
  const socket = await connect(names.room, { token, presence: "full" });
  const stranger = await newToken(tenant, "ada", { "*": ["read"] });
  socket.send({ type: "token", ref: "1", token: stranger }, { type: "presence.set", state: { here: true } });
  const shown = await fill(world);
  expect([...shown.keys()].sort()).toEqual([
    "POST /v1/hook/secret",
    "POST /v1/keys",
    "POST /v1/tenants",
    "POST /v1/tenants/{tenant}/keys",
    "POST /v1/tickets",
    "POST /v1/tokens",
    "POST /v1/webhooks",
    "POST /v1/webhooks/{webhook}/rotate-secret",
  ]);
  const secrets = new Set([
    ...[...shown.values()].flat(),
    tenant.key,
    world.plainKey,
    assistantKey,
    token,
    stranger,
    world.poorToken,
    operatorKey,
    masterKey,
  ]);
  expect(secrets.size).toBeGreaterThan(9);

  // Of the endpoints one is left, of which one event arrives and another waits.
  const [endpoint = ""] = (
    await (await call("/v1/webhooks", { credential: tenant.key })).json<{ items: { id: string }[] }>()
  ).items.map(({ id }) => id);
  const event = { type: "message.created", atMs: 0, tenant: tenant.id, room: names.room, data: { text: "said" } };
  const stub = webhookStub(env, tenant.id, endpoint);
  await stub.accept([{ ...event, id: "one" }]);
  await expect.poll(async () => (await stub.waiting()).waiting, { timeout: 30_000, interval: 10 }).toBe(0);
  await stub.accept([{ ...event, id: "other" }]);

  const { items } = await (
    await call("/v1/rooms?limit=200", { credential: tenant.key })
  ).json<{ items: { name: string }[] }>();
  const objects = [
    env.DIRECTORY.getByName("directory"),
    env.TENANT.getByName(tenant.id),
    ...items.map(({ name }) => roomObject(tenant, name)),
    env.WEBHOOK_ENDPOINT.getByName(webhookObjectName(tenant.id, endpoint)),
  ];
  expect(objects.length).toBeGreaterThan(2);
  for (const object of objects) {
    const kept = await dump(object);
    expect(kept.length).toBeGreaterThan(100);
    for (const secret of secrets) {
      // Neither the test's own report may show one.
      const found = spellingsOf(secret).filter((spelling) => kept.includes(spelling));
      expect([object.name, found.length]).toEqual([object.name, 0]);
    }
  }
  // The same look finds what is there.
  const known = await dump(env.TENANT.getByName(tenant.id));
  expect(spellingsOf(`${tenant.keyId}-and-so-on`).some((spelling) => known.includes(spelling.slice(0, 14)))).toBe(true);
  socket.close();
});

test("[A26] nothing is printed of what is said, neither where it is refused nor where our own code fails", async () => {
  const said: string[] = [];
  for (const way of ["log", "info", "warn", "error", "debug"] as const)
    vi.spyOn(console, way).mockImplementation((...words: unknown[]) => void said.push(words.map(String).join(" ")));
  const world = await newWorld(roomy);
  const { names, token, tenant } = world;
  const path = `/v1/rooms/${names.room}/messages`;
  const bodies = [
    { text: unspeakable },
    { text: unspeakable, data: { [unspeakable]: unspeakable } },
    { text: unspeakable, nonce: "short" },
    { text: unspeakable.repeat(10_000) },
    `{"text":"${unspeakable}`,
    [unspeakable],
  ];
  const sendAll = async (): Promise<void> => {
    for (const body of bodies) {
      await release(await call(path, { method: "POST", credential: token, body }));
      await release(await call(`${path}/1`, { method: "PATCH", credential: token, body }));
    }
    for (const credential of [unspeakable, `parley_${unspeakable}`, `${token}${unspeakable}`])
      await release(await call(`${path}?${unspeakable}=${token}`, { credential }));
    const socket = await connect(names.room, { token });
    socket.send({ type: "publish", ref: "1", nonce: "nonce-of-it-1", text: unspeakable }, `{"type":"${unspeakable}"`, {
      type: unspeakable,
    });
    await socket.answer("1");
    socket.close();
  };
  await sendAll();
  expect((await askUpgrade(names.room, { Authorization: `Bearer ${tenant.key}x` })).status).toBe(401);
  const bug = Object.assign(new Error("a bug, as a test asked"), { stack: "a bug, as a test asked" });
  for (const method of ["publish", "edit"] as const) {
    vi.spyOn(Room.prototype, method).mockImplementation(() => {
      throw bug;
    });
    expect(
      (
        await call(`${path}${method === "edit" ? "/1" : ""}`, {
          method: method === "edit" ? "PATCH" : "POST",
          credential: token,
          body: { text: unspeakable },
        })
      ).status,
    ).toBe(500);
  }
  const text = said.join("\n");
  expect(text).toContain("a bug, as a test asked");
  for (const secret of [unspeakable, token, tenant.key, operatorKey, masterKey])
    expect(text.includes(secret)).toBe(false);
  expect(secretsIn(text)).toEqual([]);
});
