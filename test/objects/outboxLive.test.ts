/** What webhook endpoints hear of what is live in a room, under a clock that stands still. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { call, everything, newToken } from "../support/api.ts";
import { pass, startClock, stopClock } from "../support/clock.ts";
import { graceMs, here, type Place, place } from "../support/place.ts";
import { query } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { type Heard, heardBy, newWebhook } from "../support/webhooks.ts";

beforeAll(() => stopClock());
afterAll(startClock);

const attendance = { events: ["presence.*", "room.occupied", "room.vacated"] };

/** All that was to be handed on has been: nothing waits. */
async function heard({ tenant, room }: Place, endpoint: string): Promise<Heard[]> {
  for (let turn = 0; turn < 500; turn++) {
    const waiting = await query(tenant, room, "SELECT 1 FROM outbox LIMIT 1");
    if (waiting.length === 0) return heardBy(tenant, endpoint);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error("something waits on");
}

/** In short: `+ada -bo`, with `!` where somebody is here and `.` where nobody is any more. */
async function told(room: Place, endpoint: string): Promise<string> {
  const signs: Record<string, string> = {
    "room.occupied": "!",
    "room.vacated": ".",
    "presence.joined": "+",
    "presence.left": "-",
  };
  const events = await heard(room, endpoint);
  return events.map(({ type, data }) => `${signs[type] ?? type}${String(data["user"] ?? "")}`).join(" ");
}

async function leave(room: Place, ...sockets: Parameters<Place["exit"]>): Promise<void> {
  await room.exit(...sockets);
  pass(graceMs);
  await room.ring();
  await room.fence();
}

test("[N4] who comes and goes is told as readers are told, after the grace, and of the first and the last that the room is occupied or vacated", async () => {
  const room = await place();
  const endpoint = await newWebhook(room.tenant, attendance);
  const ada = await room.enter("ada");
  const tab = await room.enter("ada");
  const bo = await room.enter("bo");
  await room.exit(tab);
  await room.fence();
  expect(await told(room, endpoint)).toBe("! +ada +bo");
  // Back within the grace.
  await room.exit(ada);
  const again = await room.enter("ada");
  pass(graceMs);
  await room.fence();
  await leave(room, bo);
  expect(await told(room, endpoint)).toBe("! +ada +bo -bo");
  await leave(room, again);
  expect(await told(room, endpoint)).toBe("! +ada +bo -bo -ada .");
  expect((await heard(room, endpoint))[1]).toMatchObject({ data: { user: "ada", name: "ADA" } });
  const silent = await room.enter("cy", { capabilities: ["read"] });
  await room.fence();
  expect(await told(room, endpoint)).toBe("! +ada +bo -bo -ada .");
  silent.close();
});

test("[N4] a sleep, however often, tells of nobody, and a room in which somebody is is never vacated by it", async () => {
  const room = await place();
  const endpoint = await newWebhook(room.tenant, attendance);
  const ada = await room.enter("ada");
  const bo = await room.enter("bo");
  await room.fence();
  for (let naps = 0; naps < 3; naps++) {
    await room.forget();
    pass(graceMs);
    await room.fence(ada, bo);
  }
  await room.exit(bo);
  await room.fence(ada);
  await room.forget();
  pass(graceMs);
  await room.ring();
  await room.fence(ada);
  expect(await told(room, endpoint)).toBe("! +ada +bo -bo");
  ada.close();
});

test("[N4] users whom a restart has cost their sockets are told to have left, those who came back meanwhile not, and the room is vacated once", async () => {
  const room = await place();
  const endpoint = await newWebhook(room.tenant, attendance);
  const ada = await room.enter("ada");
  await room.fence();
  // Of a server that was killed only the tables are left: these two were here.
  await query(room.tenant, here, "INSERT INTO announced (user, name) VALUES ('bo', 'BO'), ('cy', NULL)");
  await room.forget();
  const bo = await room.enter("bo");
  await room.fence();
  expect(await told(room, endpoint)).toBe("! +ada");
  pass(graceMs);
  await room.ring();
  await room.fence();
  expect(await told(room, endpoint)).toBe("! +ada -cy");
  await leave(room, ada, bo);
  expect(await told(room, endpoint)).toBe("! +ada -cy -ada -bo .");
  expect(await query(room.tenant, here, "SELECT * FROM announced")).toEqual([]);
});

test("[N4] whom somebody begins to listen to is told when they go, also after a restart, and nothing is kept where nobody listens", async () => {
  const room = await place();
  const ada = await room.enter("ada");
  await room.fence();
  expect(await query(room.tenant, here, "SELECT * FROM announced")).toEqual([]);
  const endpoint = await newWebhook(room.tenant, attendance);
  const bo = await room.enter("bo");
  await room.fence();
  expect(await query(room.tenant, here, "SELECT user FROM announced")).toEqual([{ user: "ada" }, { user: "bo" }]);
  await leave(room, ada, bo);
  expect(await told(room, endpoint)).toBe("+bo -ada -bo .");
});

test("[N4] a room that is deleted tells who had been here that they have left, that it is vacated, and its end", async () => {
  const room = await place();
  const endpoint = await newWebhook(room.tenant, { events: ["*"] });
  await room.enter("ada");
  await room.fence();
  expect((await call(`/v1/rooms/${here}`, { method: "DELETE", credential: room.tenant.key })).status).toBe(204);
  const types = (await heard(room, endpoint)).map(({ type }) => type);
  expect(types).toEqual([
    "room.created",
    "room.occupied",
    "presence.joined",
    "message.created",
    "presence.left",
    "room.vacated",
    "room.deleted",
  ]);
});

test("[N5] what is done to users is told with by whom and why, once, and not what changes nothing", async () => {
  const room = await place();
  const endpoint = await newWebhook(room.tenant, { events: ["moderation.*"] });
  await room.post("one");
  const mo = { credential: await newToken(room.tenant, "mo", { "*": everything }) };
  const path = `/v1/rooms/${here}`;
  const until = Date.now() + 60_000;
  const steps: [string, string, object?][] = [
    ["POST", "/kicks", { user: "bo", reason: "loud" }],
    ["PUT", "/bans/bo", { until, reason: "louder" }],
    ["PUT", "/bans/bo", { until, reason: "louder" }],
    ["DELETE", "/bans/bo"],
    ["DELETE", "/bans/bo"],
    ["PUT", "/mutes/bo", { until }],
    ["DELETE", "/mutes/bo"],
  ];
  for (const [method, to, body] of steps) {
    const done = await call(path + to, { method, ...mo, ...(body === undefined ? {} : { body }) });
    expect([to, done.status]).toEqual([to, 204]);
  }
  const by = expect.objectContaining({ kind: "user", id: "mo" });
  expect((await heard(room, endpoint)).map(({ type, data }) => ({ type, ...data }))).toEqual([
    { type: "moderation.kicked", user: "bo", reason: "loud", by },
    { type: "moderation.banned", user: "bo", until, reason: "louder", shadow: false, by },
    { type: "moderation.unbanned", user: "bo", by },
    { type: "moderation.muted", user: "bo", until, reason: null, by },
    { type: "moderation.unmuted", user: "bo", by },
  ]);
});

test("[N5] [W7] that somebody has hit a limit is told once a minute for each limit and user, also by a room that slept between", async () => {
  const room = await place({ ...roomy, publishPerUserPerSecond: 1, publishPerUserBurst: 1 });
  const endpoint = await newWebhook(room.tenant, { events: ["limit.exceeded"] });
  const ada = await room.enter("ada");
  const burst = async (user: string) => {
    const credential = await room.token(user);
    for (let count = 0; count < 3; count++)
      await call(`/v1/rooms/${here}/messages`, { method: "POST", credential, body: { text: "again" } });
  };
  ada.send(
    { type: "publish", ref: "1", nonce: "nonce-one", text: "one" },
    { type: "publish", ref: "2", nonce: "nonce-two", text: "two" },
  );
  await room.fence(ada);
  await burst("ada");
  await burst("bo");
  const users = async () => (await heard(room, endpoint)).map(({ data }) => data["user"]);
  expect(await users()).toEqual(["ada", "bo"]);
  expect((await heard(room, endpoint))[0]?.data).toEqual({
    user: "ada",
    error: "rate_limited",
    scope: "user_in_room",
    limit: 1,
    windowMs: 1_000,
  });
  const [{ at } = { at: 0 }] = await query<{ at: number }>(
    room.tenant,
    here,
    "SELECT at FROM exceeded WHERE user = 'ada'",
  );
  pass(at + fixedLimits.exceededMs - 1 - Date.now());
  await room.forget();
  await burst("ada");
  expect(await users()).toEqual(["ada", "bo"]);
  pass(1);
  await burst("ada");
  expect(await heard(room, endpoint)).toHaveLength(3);
  ada.close();
});

test("[N5] a flag is told when the tenant has it, once, to those who listen to its room", async () => {
  const room = await place();
  const endpoint = await newWebhook(room.tenant, { events: ["moderation.flagged"], rooms: [here] });
  const other = await newWebhook(room.tenant, { events: ["moderation.*"], rooms: ["other"] });
  const id = await room.post("one");
  const credential = await room.token("ada");
  const flag = () =>
    call(`/v1/rooms/${here}/messages/${id}/flags`, { method: "POST", credential, body: { reason: "rude" } });
  expect([(await flag()).status, (await flag()).status]).toEqual([201, 200]);
  const heardAt = async (which: string) => (await heardBy(room.tenant, which)).map(({ data }) => data);
  const wanted = [{ flag: expect.objectContaining({ room: here, message: id, user: "ada", reason: "rude" }) }];
  await expect.poll(() => heardAt(endpoint)).toEqual(wanted);
  expect(await heardAt(other)).toEqual([]);
});
