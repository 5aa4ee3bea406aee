import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRoomObjectName, roomObjectName } from "../../src/objects/stubs.ts";
import { RoomName, TenantId } from "../../src/protocol/names.ts";
import { everything } from "../support/api.ts";
import { refused } from "./answers.ts";
import { askUpgrade, asOperator, call, connect, newTenant, newToken } from "./edge.ts";
import { openEvents } from "./events.ts";
import {
  joins,
  letWait,
  methodOf,
  type Names,
  newAssistant,
  newWorld,
  operations,
  paramsOf,
  pathOf,
  perform,
  release,
  unknownNames,
  uploadIn,
  type World,
} from "./operations.ts";

/** All that a tenant's server can read of itself. */
async function stateOf({ tenant, names }: World): Promise<unknown> {
  const room = `/v1/rooms/${encodeURIComponent(names.room)}`;
  const paths = [
    "/v1/tenant",
    "/v1/rooms",
    room,
    `${room}/changes?after=0`,
    `${room}/members`,
    `${room}/read`,
    `${room}/messages/1/reactions`,
  ];
  const state = await Promise.all(paths.map(async (path) => (await call(path, { credential: tenant.key })).json()));
  const keys = await (await call("/v1/keys", { credential: tenant.key })).json<{ items: { id: string }[] }>();
  return [...state, keys.items.map(({ id }) => id)];
}

/** A world whose room, message, member, flag, key and delivery have names that no other tenant has given. */
async function foreignWorld(): Promise<World> {
  const world = await newWorld();
  const room = `secret:${world.tenant.id}`;
  const path = `/v1/rooms/${encodeURIComponent(room)}`;
  const credential = world.token;
  await call(path, { method: "PUT", credential, body: {} });
  for (const text of ["one", "two", "three"])
    await call(`${path}/messages`, { method: "POST", credential, body: { text } });
  await call(`${path}/members/sam`, { method: "PUT", credential, body: { role: "owner" } });
  const flagging = { method: "POST", credential: world.tenant.key, user: "mo", body: {} };
  const flagged = await call(`${path}/messages/1/flags`, flagging);
  const { flag } = await flagged.json<{ flag: number }>();
  const upload = await uploadIn({ ...world, names: { ...world.names, room } }, "ready");
  await letWait(world.tenant, world.names.webhook, "second");
  await newAssistant(world.tenant, "sam");
  return {
    ...world,
    names: { ...world.names, room, id: "3", user: "sam", flag: String(flag), upload, delivery: "2", assistant: "sam" },
  };
}

/** Status and body, but for what differs between any two answers. */
async function saidBy(response: Response): Promise<unknown> {
  const { status } = response;
  if (response.ok || response.webSocket !== null) {
    await release(response);
    return { status };
  }
  const { requestId, ...rest } = await response.json<Record<string, unknown>>();
  return { status, ...rest, requestId: typeof requestId };
}

const withIds = operations
  .filter(({ plane }) => plane !== "operator")
  .filter((operation) => paramsOf(operation).length > 0);

describe("a foreign id", () => {
  test.each(withIds)(
    "[T1] $name answers to another tenant's id as to one that never was, and changes nothing there",
    async (operation) => {
      const [own, foreign] = await Promise.all([newWorld(), foreignWorld()]);
      const before = await stateOf(foreign);
      for (const param of paramsOf(operation).filter((name) => name !== "emoji")) {
        // The foreign room's message and member must not be found through the own room either.
        const asked: Names = { ...own.names, [param]: foreign.names[param] };
        const unknown: Names = { ...own.names, [param]: unknownNames[param] };
        const answer = await saidBy(await perform(operation, own, { names: asked }));
        expect([param, answer]).toEqual([param, await saidBy(await perform(operation, own, { names: unknown }))]);
        if (operation.known?.includes(param) === true) expect(answer).toMatchObject({ status: 404, code: "not_found" });
      }
      const all = await perform(operation, own, { names: foreign.names });
      // A room or an assistant is made, and a user is banned, exported or erased, under whatever name: it is one's own from then on.
      const makes =
        /^PUT \/v1\/(rooms\/\{room\}|assistants\/\{assistant\})$/.test(operation.name) ||
        /^\w+ \/v1\/(bans|users)\/\{user\}/.test(operation.name);
      if (makes) await release(all);
      else await refused(all, 404, "not_found");
      // Nor with an API key that administers, nor by naming the foreign user.
      if (operation.plane !== "admin" && !makes) {
        const byKey = await perform(operation, own, {
          names: foreign.names,
          credential: own.tenant.key,
          user: foreign.names.user,
        });
        // What the first call made is the tenant's own room of that name.
        await refused(byKey, 404, "not_found");
      }
      expect(await stateOf(foreign)).toEqual(before);
    },
  );

  test.each(operations.filter(({ plane }) => plane === "operator"))(
    "[T1] $name is closed to tenants, for their own id as for a foreign and an unknown one",
    async (operation) => {
      const [own, foreign] = await Promise.all([newWorld(), newWorld()]);
      const tenants = [own.names.tenant, foreign.names.tenant, unknownNames.tenant];
      const answers = await Promise.all(
        tenants.map(async (tenant) =>
          saidBy(await perform(operation, own, { names: { ...own.names, tenant }, credential: own.tenant.key })),
        ),
      );
      expect(answers[0]).toMatchObject({ status: 401, code: "token_invalid" });
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    },
  );

  test("[T1] a socket joins the own tenant's room of a name, never the other's, and hears nothing of it", async () => {
    const [own, foreign] = await Promise.all([newWorld(), newWorld()]);
    const room = own.names.room;
    const [mine, theirs] = await Promise.all([
      connect(room, { token: own.token }),
      connect(room, { token: foreign.token }),
    ]);
    expect(mine.welcome.epoch).not.toBe(theirs.welcome.epoch);
    theirs.send({ type: "publish", ref: "1", nonce: "their-nonce", text: "secret" });
    await theirs.answer("1");
    mine.send({ type: "history", ref: "2", limit: 50 });
    await mine.answer("2");
    expect(JSON.stringify(mine.frames)).not.toContain("secret");
    // The other's cursor is of another history.
    const resumed = await connect(room, { token: own.token, cursor: `${theirs.welcome.epoch}:1` });
    expect(resumed.welcome).toMatchObject({ resumed: false, gap: { reason: "epoch" } });
    for (const socket of [mine, theirs, resumed]) socket.close();
  });

  test("[T1] a stream reads the own tenant's room of a name, never the other's, and hears nothing of it", async () => {
    const [own, foreign] = await Promise.all([newWorld(), newWorld()]);
    const { room } = own.names;
    const theirs = await connect(room, { token: foreign.token });
    const secret = { method: "POST", credential: foreign.token, body: { text: "secret" } };
    const cursor = `${theirs.welcome.epoch}:1`;
    for (const path of [`/v1/rooms/${room}/events`, "/v1/events"]) {
      const query = new URLSearchParams({ cursor, ...(path === "/v1/events" ? { rooms: room } : {}) });
      const mine = await openEvents(`${path}?${query.toString()}`, { credential: own.token });
      // The other's cursor is of another history.
      expect(await mine.welcome()).toMatchObject({ resumed: false, gap: { reason: "epoch" } });
      expect((await call(`/v1/rooms/${room}/messages`, secret)).status).toBe(201);
      expect((await call(`/v1/rooms/${room}/messages`, { ...secret, credential: own.token })).status).toBe(201);
      const heard = (): string => JSON.stringify(mine.events);
      await mine.until(() => mine.of("changes").length > 1);
      expect(heard()).not.toContain(theirs.welcome.epoch);
      expect(mine.of("changes").at(-1)).toMatchObject({ from: mine.of("changes")[0]?.["to"] });
      await mine.cancel();
    }
    theirs.close();
  });

  test("[T1] [A2] a ticket of one tenant opens its own rooms, also where the other's have the same names", async () => {
    const [own, foreign] = await Promise.all([newWorld(), foreignWorld()]);
    const ask = async ({ token }: World, body: object): Promise<string> => {
      const made = await call("/v1/tickets", { method: "POST", credential: token, body });
      return (await made.json<{ ticket: string }>()).ticket;
    };
    const epochOf = async ({ token, names }: World): Promise<string> =>
      (await (await call(`/v1/rooms/${names.room}`, { credential: token })).json<{ epoch: string }>()).epoch;
    // The room of this name is each tenant's own.
    const { room } = own.names;
    const mine = await epochOf(own);
    for (const [path, body] of [
      [`/v1/rooms/${room}/events?`, { room }],
      [`/v1/events?rooms=${room}&`, {}],
    ] as const) {
      const stream = await openEvents(`${path}ticket=${await ask(own, body)}`, { credential: foreign.token });
      expect(await stream.welcome()).toMatchObject({ epoch: mine });
      await stream.cancel();
    }
    // A room that only the other has answers as one that never was.
    const all = { method: "POST", credential: own.token };
    for (const name of [foreign.names.room, unknownNames.room]) {
      await refused(await call("/v1/tickets", { ...all, body: { room: name } }), 404, "not_found");
      await refused(await call(`/v1/events?rooms=${name}&ticket=${await ask(own, {})}`), 404, "not_found");
    }
    const [head = "", claims, signature] = (await ask(own, { room })).split(".");
    const kid = btoa(atob(head).replace(own.tenant.id, foreign.tenant.id)).replace(/=+$/, "");
    await refused(await call(`/v1/rooms/${room}/events?ticket=${kid}.${claims}.${signature}`), 401, "token_invalid");
  });

  test("[T1] what is unread in another tenant's room is said as of one that never was", async () => {
    const [own, foreign] = await Promise.all([newWorld(), foreignWorld()]);
    const names = [own.names.room, foreign.names.room, unknownNames.room];
    const { rooms } = await (
      await call(`/v1/unread?rooms=${names.join(",")}`, { credential: own.token })
    ).json<{ rooms: Record<string, unknown> }>();
    expect(Object.keys(rooms)).toEqual(names);
    expect(rooms[foreign.names.room]).toMatchObject({ code: "not_found", status: 404 });
    expect(rooms[foreign.names.room]).toEqual(rooms[unknownNames.room]);
    expect(rooms[own.names.room]).toMatchObject({ unread: 1 });
  });

  test("[A2] a credential of one tenant is none in another, whatever the request says of its tenant", async () => {
    const [own, foreign] = await Promise.all([newTenant(), newTenant()]);
    for (const headers of [
      { "X-Tenant": foreign.id },
      { "Parley-Tenant": foreign.id },
      { Host: `${foreign.id}.parley.test` },
    ]) {
      const response = await call("/v1/tenant", { credential: own.key, headers });
      expect(await response.json()).toMatchObject({ id: own.id });
    }
    const swapped = own.key.replace(own.id, foreign.id);
    await refused(await call("/v1/tenant", { credential: swapped }), 401, "token_invalid");
    const [header = "", claims, signature] = (await newToken(own, "ada", { "*": ["read"] })).split(".");
    const kid = atob(header).replace(own.id, foreign.id).replace(own.keyId, foreign.keyId);
    const forged = [btoa(kid).replace(/=+$/, ""), claims, signature].join(".");
    await refused(await call("/v1/rooms/a", { credential: forged }), 401, "token_invalid");
  });
});

describe("names of objects", () => {
  const letters = ["a", "b", "z", "0", "1", "9"];
  const tenantName = fc
    .tuple(
      fc.constantFrom(...letters),
      fc.array(fc.constantFrom(...letters, "-", "-", "-"), { minLength: 1, maxLength: 12 }),
    )
    .map(([first, rest]) => first + rest.join(""));
  const roomName = fc
    .tuple(
      fc.constantFrom(...letters, "A"),
      fc.array(fc.constantFrom(...letters, "-", ":", ".", "_", "-", ":", "."), { maxLength: 16 }),
    )
    .map(([first, rest]) => first + rest.join(""));

  test("[T1] 100,000 random pairs of tenant and room never share an object, and each name leads back to its pair", () => {
    const pairs = fc.sample(fc.tuple(tenantName, roomName), { numRuns: 100_000, seed: 20_260_815 });
    const byName = new Map<string, string>();
    for (const [tenant, room] of pairs) {
      const name = roomObjectName(tenant, room);
      const pair = JSON.stringify([tenant, room]);
      if ((byName.get(name) ?? pair) !== pair) expect.fail(`${pair} and ${byName.get(name)} share ${name}`);
      byName.set(name, pair);
      const back = parseRoomObjectName(name);
      if (back.tenant !== tenant || back.room !== room) expect.fail(`${name} leads to ${JSON.stringify(back)}`);
    }
    expect(byName.size).toBeGreaterThan(90_000);
    for (const [tenant, room] of pairs.slice(0, 1_000))
      expect([TenantId.parse(tenant), RoomName.parse(room)]).toEqual([tenant, room]);
  });

  test("[T1] any names that the schemas let through, and only those, make an object's name that can be read back", () => {
    const anyTenant = fc.stringMatching(/^[a-z0-9][a-z0-9-]{1,39}$/);
    const anyRoom = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/);
    fc.assert(
      fc.property(anyTenant, anyRoom, (tenant, room) => {
        expect(TenantId.safeParse(tenant).success && RoomName.safeParse(room).success).toBe(true);
        expect(parseRoomObjectName(roomObjectName(tenant, room))).toEqual({ tenant, room });
      }),
      { seed: 1, numRuns: 1_000 },
    );
    // What could join two names to another pair is in neither.
    for (const bad of ["a/b", "/", "a\n", "a\u0000", "a b", ""])
      expect([TenantId.safeParse(bad).success, RoomName.safeParse(bad).success]).toEqual([false, false]);
  });
});

describe("a room that does not exist", () => {
  const tablesOf = (tenant: string, room: string): Promise<unknown> =>
    runInDurableObject(env.ROOM.getByName(roomObjectName(tenant, room)), async (_, { storage }) => ({
      tables: storage.sql.exec("SELECT name FROM sqlite_master").toArray(),
      keys: [...storage.kv.list()],
      alarm: await storage.getAlarm(),
    }));
  const nothing = { tables: [], keys: [], alarm: null };
  const asking = operations.filter(
    (operation) => paramsOf(operation).includes("room") && operation.name !== "PUT /v1/rooms/{room}",
  );

  test.each(asking)("[O6] $name to a room that was never made is 404 and writes nothing", async (operation) => {
    const world = await newWorld();
    const names = { ...world.names, room: "never:was" };
    const isAdmin = operation.plane === "admin";
    for (const credential of isAdmin ? [world.tenant.key] : [world.token, world.tenant.key])
      await refused(await perform(operation, world, { names, credential }), 404, "not_found");
    // Whoever may not read is told so by a connection before it is known whether there is a room.
    const poor = await perform(operation, world, { names, credential: world.poorToken });
    await (joins(operation) || isAdmin ? refused(poor, 403, "forbidden") : refused(poor, 404, "not_found"));
    expect(await tablesOf(world.tenant.id, "never:was")).toEqual(nothing);
  });

  test("[O6] where rooms come to be by publishing, asking and joining as a reader still make none", async () => {
    const tenant = await newTenant();
    const reader = await newToken(tenant, "ada", { "*": everything.filter((capability) => capability !== "publish") });
    const full = await newToken(tenant, "ada", { "*": everything });
    const room = "never:was";
    await refused(await askUpgrade(room, { Authorization: `Bearer ${reader}` }), 404, "not_found");
    for (const path of [
      `/v1/rooms/${room}/events`,
      `/v1/events?rooms=${room}`,
      `/v1/rooms/${room}/changes?after=0&wait=1`,
    ])
      await refused(await call(path, { credential: reader }), 404, "not_found");
    await refused(
      await call(`/v1/rooms/${room}/messages`, { method: "POST", credential: reader, body: { text: "x" } }),
      404,
    );
    for (const operation of asking.filter((one) => methodOf(one) === "GET" && !joins(one))) {
      const needs = operation.needs === undefined ? "" : `?${operation.needs}`;
      const path = `${pathOf(operation, { ...unknownNames, room, id: "1" })}${needs}`;
      const credential = operation.plane === "admin" ? tenant.key : full;
      await refused(await call(path, { credential }), 404, "not_found");
    }
    const blind = await newToken(tenant, "ada", { "*": ["publish"] });
    await refused(await askUpgrade(room, { Authorization: `Bearer ${blind}` }), 403, "forbidden");
    const mayNotMake = await newToken(tenant, "ada", { "*": ["read", "publish"] });
    await refused(
      await call(`/v1/rooms/${room}`, { method: "PUT", credential: mayNotMake, body: {} }),
      403,
      "forbidden",
    );
    expect(await tablesOf(tenant.id, room)).toEqual(nothing);
    expect(await (await call("/v1/rooms", { credential: tenant.key })).json()).toEqual({ items: [] });
  });

  test("[O6] a tenant that does not exist is 404 to the operator and writes nothing", async () => {
    for (const operation of operations.filter(({ plane, known }) => plane === "operator" && known !== undefined)) {
      const options = {
        method: methodOf(operation),
        ...(operation.body === undefined ? {} : { body: operation.body }),
        ...(operation.lines === undefined
          ? {}
          : { body: operation.lines, headers: { "Content-Type": "application/x-ndjson" } }),
      };
      const path = operation.name.slice(operation.name.indexOf("/")).replace("{tenant}", "never-was");
      await refused(await asOperator(path, options), 404, "not_found");
    }
    const tables = await runInDurableObject(env.TENANT.getByName("never-was"), (_, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master").toArray(),
    );
    expect(tables).toEqual([]);
  });
});
