import { evictDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { everything, ordinary, type TestTenant } from "../support/api.ts";
import { ManySocket } from "../support/manySocket.ts";
import { roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import type { TestSocket } from "../support/socket.ts";
import { refused } from "./answers.ts";
import { askUpgrade, call, connect, newTenant, newToken } from "./edge.ts";
import { openEvents } from "./events.ts";

const room = "/v1/rooms/general";
/** What lies beyond every capability of an ordinary user and short of governing the room. */
const many = everything.filter((capability) => capability !== "moderate" && capability !== "manage");

interface Here {
  readonly tenant: TestTenant;
  /** Of users: `ada` is ordinary, `mo` may moderate, `max` may manage too. */
  readonly ada: string;
  readonly mo: string;
  readonly max: string;
}

async function newRoom(): Promise<Here> {
  const tenant = await newTenant(roomy);
  const [ada, mo, max] = await Promise.all([
    newToken(tenant, "ada", { "*": many }),
    newToken(tenant, "mo", { "*": [...ordinary, "moderate"] }),
    newToken(tenant, "max", { "*": everything }),
  ]);
  await done(call(room, { method: "PUT", credential: tenant.key, body: {} }));
  return { tenant, ada, mo, max };
}

async function done(answering: Promise<Response>): Promise<void> {
  const response = await answering;
  expect(`${response.status} ${await response.text()}`).toMatch(/^2/);
}

const put = (credential: string, path: string, body: object = {}) =>
  call(`${room}${path}`, { method: "PUT", credential, body });
const remove = (credential: string, path: string) => call(`${room}${path}`, { method: "DELETE", credential });
const kick = (credential: string, body: object) => call(`${room}/kicks`, { method: "POST", credential, body });
const post = (credential: string, body: object = { text: "hello" }) =>
  call(`${room}/messages`, { method: "POST", credential, body });
const bans = (credential: string, query = "") => call(`${room}/bans${query}`, { credential });

/** A WebSocket, a stream of events and one connection of many rooms, all of one user. */
async function everywhere(token: string) {
  const socket = await connect("general", { token });
  const stream = await openEvents(`${room}/events`, { credential: token });
  await stream.welcome();
  const response = await call("/v1/socket", { credential: token, headers: { Upgrade: "websocket" } });
  if (response.webSocket === null) throw new Error("not upgraded");
  const several = new ManySocket(response.webSocket);
  await several.join("general");
  await several.join("other");
  return { socket, stream, several };
}

async function farewell(socket: TestSocket): Promise<object> {
  await socket.until(({ closed }) => closed !== null);
  return { ...socket.of("closing")[0], closed: socket.closed?.code };
}

test("[G1] a kick closes every connection of the user to the room with its reason, and the user may come back", async () => {
  const { ada, mo } = await newRoom();
  const phone = await connect("general", { token: ada });
  const { socket, stream, several } = await everywhere(ada);
  const other = await connect("general", { token: mo });
  await done(kick(mo, { user: "ada", reason: "spam" }));
  const told = { code: 4503, reason: "Removed from the room by a moderator: spam", reconnect: "never" };
  expect(await farewell(socket)).toMatchObject({ ...told, closed: 4503 });
  expect(await farewell(phone)).toMatchObject({ ...told, closed: 4503 });
  await stream.until(() => stream.of("closing").length > 0);
  expect(stream.of("closing")).toEqual([expect.objectContaining(told)]);
  await several.until(() => several.of("general", "closing").length > 0);
  expect(several.of("general", "closing")).toEqual([expect.objectContaining(told)]);
  expect([several.of("other", "closing"), several.closed, other.closed]).toEqual([[], null, null]);
  await done(post(ada));
  await connect("general", { token: ada });
  await several.join("general");
  await done(kick(mo, { user: "nobody" }));
  several.close();
});

test("[G2] a ban closes every connection with 4503 and its reason, and refuses joins, reads and writes everywhere until it ends", async () => {
  const { tenant, ada, mo } = await newRoom();
  await done(post(ada));
  const phone = await connect("general", { token: ada });
  const { socket, stream, several } = await everywhere(ada);
  const waiting = call(`${room}/changes?after=${encodeURIComponent(await cursor(ada))}&wait=20`, { credential: ada });
  const until = Date.now() + 60_000;
  await done(put(mo, "/bans/ada", { until, reason: "spam" }));
  const reason = `The user is banned from this room until ${new Date(until).toISOString()}: spam`;
  for (const one of [socket, phone]) {
    const closing = await farewell(one);
    expect(closing).toMatchObject({ code: 4503, reason, reconnect: "never", closed: 4503 });
  }
  await stream.until(() => stream.of("closing").length > 0);
  expect(stream.of("closing")).toEqual([expect.objectContaining({ code: 4503, reason })]);
  await several.until(() => several.of("general", "closing").length > 0);

  const calls: (() => Promise<Response>)[] = [
    () => waiting,
    () => post(ada),
    () => call(room, { credential: ada }),
    () => call(`${room}/messages`, { credential: ada }),
    () => call(`${room}/messages/1`, { credential: ada }),
    () => call(`${room}/changes`, { credential: ada }),
    () => call(`${room}/events`, { credential: ada }),
    () => call(`${room}/messages/1/reactions/x`, { method: "PUT", credential: ada }),
    () => askUpgrade("general", { Authorization: `Bearer ${ada}` }),
    // The tenant's own server in the user's name, too.
    () => call(`${room}/messages`, { credential: tenant.key, user: "ada" }),
  ];
  await evictDurableObject(roomObject(tenant, "general"));
  for (const each of calls) {
    const problem = await refused(await each(), 403, "banned");
    expect(problem.detail).toBe(reason);
    expect(problem.retryAfterMs).toBeGreaterThan(50_000);
    expect(problem.retryAfterMs).toBeLessThanOrEqual(60_000);
  }
  await expect(several.join("general")).rejects.toThrow("banned");
  const unread = await call("/v1/unread?rooms=general", { credential: ada });
  expect(await unread.json()).toMatchObject({ rooms: { general: { code: "banned", detail: reason } } });
  await done(call("/v1/rooms/other", { method: "GET", credential: ada }));

  await done(remove(mo, "/bans/ada"));
  await done(post(ada));
  several.close();
});

async function cursor(credential: string): Promise<string> {
  return (await (await call(room, { credential })).json<{ cursor: string }>()).cursor;
}

test("[G2] a ban ends by itself, and one without an end names none", async () => {
  const { ada, mo } = await newRoom();
  await done(put(mo, "/bans/ada", { until: Date.now() + 300 }));
  expect((await refused(await post(ada), 403, "banned")).detail).toMatch(
    /^The user is banned from this room until .*Z\.$/,
  );
  await expect.poll(async () => (await post(ada)).status).toBe(201);
  expect(await (await bans(mo)).json()).toEqual({ items: [] });
  await done(put(mo, "/bans/ada"));
  const forever = await refused(await post(ada), 403, "banned");
  expect(forever).toMatchObject({ detail: "The user is banned from this room." });
  expect(forever.retryAfterMs).toBeUndefined();
});

test("[G3] nobody moderates himself, nor with `moderate` alone one who moderates or owns the room", async () => {
  const { tenant, ada, mo, max } = await newRoom();
  for (const [user, role] of [
    ["eve", "moderator"],
    ["oz", "owner"],
    ["bo", "member"],
  ])
    await done(put(tenant.key, `/members/${user}`, { role }));
  const acts = (user: string): ((credential: string) => Promise<Response>)[] => [
    (credential) => kick(credential, { user }),
    (credential) => put(credential, `/bans/${user}`),
    (credential) => remove(credential, `/bans/${user}`),
    (credential) => put(credential, `/mutes/${user}`),
    (credential) => remove(credential, `/mutes/${user}`),
  ];
  for (const user of ["eve", "oz"]) for (const act of acts(user)) await refused(await act(mo), 403, "forbidden");
  for (const user of ["eve", "oz"]) for (const act of acts(user)) await done(act(max));
  for (const act of acts("bo")) await done(act(mo));
  for (const act of acts("mo")) await refused(await act(mo), 409, "conflict");
  for (const act of acts("max")) await refused(await act(max), 409, "conflict");
  for (const act of acts("bo")) await refused(await act(ada), 403, "forbidden");
  // The role of an owner is enough.
  const oz = await newToken(tenant, "oz", { "*": ordinary });
  for (const act of acts("eve")) await done(act(oz));
});

test("[G4] bans and mutes are listed for moderators, with their reasons and ends", async () => {
  const { ada, mo } = await newRoom();
  const until = Date.now() + 60_000;
  await done(put(mo, "/bans/bo", { until, reason: "spam" }));
  await done(put(mo, "/mutes/bo", { reason: "loud" }));
  await done(put(mo, "/bans/cy"));
  await done(put(mo, "/mutes/di", { until }));
  await done(put(mo, "/mutes/past", { until: 1 }));
  await refused(await put(mo, "/bans/past", { until: 1 }), 400, "invalid_field");
  const at = expect.any(Number);
  const bo = { ban: { until, reason: "spam", shadow: false, at }, mute: { until: null, reason: "loud" } };
  const items = [
    { user: "bo", ...bo },
    { user: "cy", ban: { until: null, reason: null, shadow: false, at }, mute: null },
    { user: "di", ban: null, mute: { until, reason: null } },
  ];
  expect(await (await bans(mo)).json()).toEqual({ items });
  expect(await (await bans(mo, "?limit=2")).json()).toEqual({ items: items.slice(0, 2), next: "cy" });
  expect(await (await bans(mo, "?limit=2&after=cy")).json()).toEqual({ items: items.slice(2) });
  await refused(await bans(ada), 403, "forbidden");
  const reader = await connect("general", { token: ada });
  expect(JSON.stringify(reader.frames)).not.toMatch(/spam|loud/);
});

test("[G5] a room of members lets in members, those who govern it and the tenant's server, and nobody else", async () => {
  const { tenant, ada, mo, max } = await newRoom();
  await done(post(ada));
  await done(put(tenant.key, "/members/bo", { role: "member" }));
  const bo = await newToken(tenant, "bo", { "*": many });
  const kept = await Promise.all([bo, mo, max, tenant.key].map((token) => connect("general", { token })));
  const { socket, stream, several } = await everywhere(ada);
  await done(call(room, { method: "PATCH", credential: tenant.key, body: { settings: { access: "members" } } }));
  const reason = "Only members may enter this room.";
  expect(await farewell(socket)).toMatchObject({ code: 4503, reason, closed: 4503 });
  // In the same step: not even the change that shut the door.
  expect(socket.of("changes").flatMap(({ changes }) => changes)).toHaveLength(1);
  await stream.until(() => stream.of("closing").length > 0);
  await several.until(() => several.of("general", "closing").length > 0);
  expect(kept.map(({ closed }) => closed)).toEqual([null, null, null, null]);
  expect((await connect("general", { token: bo })).welcome.settings).toMatchObject({ access: "members" });

  await evictDurableObject(roomObject(tenant, "general"));
  const calls: (() => Promise<Response>)[] = [
    () => post(ada),
    () => call(`${room}/messages`, { credential: ada }),
    () => call(`${room}/events`, { credential: ada }),
    () => call("/v1/tickets", { method: "POST", credential: ada, body: { room: "general" } }),
    () => askUpgrade("general", { Authorization: `Bearer ${ada}` }),
    () => call(`${room}/messages`, { credential: tenant.key, user: "ada", headers: {} }),
  ];
  for (const each of calls.slice(0, -1)) expect((await refused(await each(), 403, "forbidden")).detail).toBe(reason);
  // A key that may moderate does so in any user's name.
  expect((await calls.at(-1)?.())?.status).toBe(200);
  for (const credential of [bo, mo, max, tenant.key]) await done(post(credential));

  const [boSocket] = kept;
  await done(remove(tenant.key, "/members/bo"));
  expect(boSocket && (await farewell(boSocket))).toMatchObject({ code: 4503, reason });
  await refused(await post(bo), 403, "forbidden");
  await done(put(tenant.key, "/members/bo", { role: "member" }));
  const again = await connect("general", { token: bo });
  await roomObject(tenant, "general").erase("bo");
  expect(await farewell(again)).toMatchObject({ code: 4503, reason });
  await done(call(room, { method: "PATCH", credential: max, body: { settings: { access: "open" } } }));
  await done(post(ada));
  several.close();
});

test("[G5] whoever makes a room of members owns it, and making it again changes no owner", async () => {
  const { tenant } = await newRoom();
  const [founder, other] = await Promise.all([
    newToken(tenant, "fay", { "*": ["read", "publish", "manage"] }),
    newToken(tenant, "gus", { "*": ["read", "publish", "manage"] }),
  ]);
  const path = "/v1/rooms/private";
  const body = { settings: { access: "members" } };
  const made = await call(path, { method: "PUT", credential: founder, body });
  expect([made.status, await made.json()]).toMatchObject([201, { settings: { access: "members" } }]);
  expect((await call(path, { method: "PUT", credential: other, body })).status).toBe(200);
  const { items } = await (await call(`${path}/members`, { credential: founder })).json<{ items: unknown[] }>();
  expect(items).toEqual([{ user: "fay", name: "FAY", role: "owner", seq: 1 }]);
  const { welcome } = await connect("private", { token: await newToken(tenant, "fay", { "*": ordinary }) });
  expect(welcome.user).toMatchObject({ role: "owner" });
  await refused(
    await call(`${path}/messages`, { credential: await newToken(tenant, "hal", { "*": ordinary }) }),
    403,
    "forbidden",
  );
  // The tenant's own server names nobody to be the owner.
  await done(call("/v1/rooms/served", { method: "PUT", credential: tenant.key, body }));
  const served = await call("/v1/rooms/served/members", { credential: tenant.key });
  expect(await served.json()).toMatchObject({ items: [] });
});
