import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { everything } from "../support/api.ts";
import { query, roomObject } from "../support/room.ts";
import { refused } from "./answers.ts";
import { askUpgrade, call, newTenant, newToken } from "./edge.ts";
import { heldPlaces, openEvents, type TestStream } from "./events.ts";
import { type Here, make, newRooms, room, ticketOf, unmake } from "./inRoom.ts";

const path = `/v1/rooms/${room}/events`;
const many = `/v1/events?rooms=${room},other`;
const newOnes = (): Promise<Here> => newRooms([room, "other"]);
const textOf = async (...asked: Parameters<typeof ticketOf>): Promise<string> => (await ticketOf(...asked)).ticket;

/** Both ways in, each with the ticket that opens it. */
const ways = [
  { where: "one room", address: (ticket: string) => `${path}?ticket=${ticket}`, body: { room } },
  { where: "many rooms", address: (ticket: string) => `${many}&ticket=${ticket}`, body: {} },
];

/** The claims, which anybody can read who has the ticket. */
function claimsOf(ticket: string): Record<string, unknown> {
  return JSON.parse(atob((ticket.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
}

const ticketRows = "SELECT id, expires_at FROM ticket";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("used once", () => {
  test.each(ways)(
    "[A12] of $where: the second use is 401, and whoever comes back is answered 204",
    async ({ address, body }) => {
      const { token } = await newOnes();
      const url = address(await textOf(token, body));
      const stream = await openEvents(url);
      expect(await stream.welcome(room)).toMatchObject({ room, user: { id: "ada", name: "ADA" } });
      await stream.until(() => stream.lastEventId !== "");
      for (const state of ["open", "closed"]) {
        expect([state, (await refused(await call(url), 401, "token_invalid")).detail]).toEqual([
          state,
          "The ticket has been used.",
        ]);
        const back = await call(url, { headers: { "Last-Event-ID": stream.lastEventId } });
        expect([back.status, await back.text()]).toEqual([204, ""]);
        await stream.cancel();
      }
    },
  );

  test.each(ways)("[A12] of $where: of 50 uses at once exactly one opens a stream", async ({ address, body }) => {
    const { token } = await newOnes();
    const before = heldPlaces();
    const url = address(await textOf(token, body));
    const answers = await Promise.all(Array.from({ length: 50 }, () => call(url)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === 200) await answer.body?.cancel();
      else await refused(answer, 401, "token_invalid");
    }
    await expect.poll(heldPlaces).toBe(before);
  });

  test.each(ways)("[A12] of $where: 50 tickets open 50 streams", async ({ address, body }) => {
    const { token } = await newOnes();
    const streams = await Promise.all(
      Array.from({ length: 50 }, async () => openEvents(address(await textOf(token, body)))),
    );
    for (const stream of streams) await stream.welcome(room);
    for (const stream of streams) await stream.cancel();
  });

  test("[A12] for one room it opens no other, nor many; for many it opens no single one; neither is used up by it", async () => {
    const { token } = await newOnes();
    const [one, all] = await Promise.all([textOf(token), textOf(token, {})]);
    for (const url of [
      `/v1/rooms/other/events?ticket=${one}`,
      `${many}&ticket=${one}`,
      `/v1/events?rooms=${room}&ticket=${one}`,
      `${path}?ticket=${all}`,
      `/v1/rooms/other/events?ticket=${all}`,
    ])
      await refused(await call(url), 401, "token_invalid");
    for (const url of [`${path}?ticket=${one}`, `/v1/events?rooms=other&ticket=${all}`]) {
      const stream = await openEvents(url);
      await stream.welcome();
      await stream.cancel();
    }
  });

  test("[A12] it is no credential: not in a header, not for a WebSocket, not on another route", async () => {
    const { tenant, token } = await newOnes();
    for (const ticket of [await textOf(token), await textOf(token, {})]) {
      for (const url of [path, many, `/v1/rooms/${room}`, `/v1/rooms/${room}/changes`, "/v1/tenant"])
        await refused(await call(url, { credential: ticket }), 401, "token_invalid");
      await refused(await call("/v1/tickets", { method: "POST", credential: ticket, body: {} }), 401, "token_invalid");
      const offered = { "Sec-WebSocket-Protocol": `parley.v1, bearer.${ticket}` };
      await refused(await askUpgrade(room, offered), 401, "token_invalid");
      await refused(await call("/v1/socket", { headers: { Upgrade: "websocket", ...offered } }), 401, "token_invalid");
      for (const url of [
        `/v1/rooms/${room}?`,
        `/v1/rooms/${room}/changes?`,
        `/v1/rooms/${room}/messages?`,
        "/v1/unread?rooms=a&",
      ])
        await refused(await call(`${url}ticket=${ticket}`), 401, "token_missing");
      const upgrade = await askUpgrade(room, {}, `?ticket=${ticket}`);
      expect([upgrade.webSocket, upgrade.status]).toEqual([null, 401]);
    }
    // Nor is a credential a ticket.
    for (const credential of [token, tenant.key, "x", "", "a.b.c"])
      for (const { address } of ways) await refused(await call(address(credential)), 401, "token_invalid");
  });

  test("[A12] beside a credential in the header it is the ticket that counts", async () => {
    const { tenant, token } = await newOnes();
    const bo = await newToken(tenant, "bo", { "*": everything });
    for (const { address, body } of ways) {
      for (const [headers, user] of [
        [{ Authorization: `Bearer ${bo}` }, "ada"],
        [{ Authorization: "Bearer nonsense" }, "ada"],
        [{ "Parley-User": "bo" }, "ada"],
      ] as const) {
        const stream = await openEvents(address(await textOf(token, body)), { headers });
        expect(await stream.welcome(room)).toMatchObject({ user: { id: user } });
        await stream.cancel();
      }
      const ticket = await textOf(token, body);
      await refused(await call(address(`${ticket}x`), { credential: bo }), 401, "token_invalid");
      await refused(await call(address(""), { credential: bo }), 401, "token_invalid");
    }
  });
});

describe("how long it lasts", () => {
  test.each(ways)("[A12] of $where: 60 seconds, to the millisecond", async ({ address, body }) => {
    const { token } = await newOnes();
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    const madeAt = Date.now();
    const [early, late] = await Promise.all([1, 2].map(async () => ticketOf(token, body)));
    expect([early?.expiresAt, late?.expiresAt]).toEqual([madeAt + 60_000, madeAt + 60_000]);
    vi.setSystemTime(madeAt + 59_999);
    const stream = await openEvents(address(early?.ticket ?? ""));
    await stream.welcome();
    await stream.cancel();
    vi.setSystemTime(madeAt + 60_000);
    for (const one of [early, late]) await refused(await call(address(one?.ticket ?? "")), 401, "token_expired");
  });

  test("[A12] it ends with its token, and a token that has ended gives none", async () => {
    const { tenant } = await newOnes();
    const brief = await newToken(tenant, "bo", { "*": ["read"] }, 10);
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    const madeAt = Date.now();
    const { ticket, expiresAt } = await ticketOf(brief);
    expect(expiresAt).toBeGreaterThan(madeAt + 8_000);
    expect(expiresAt).toBeLessThanOrEqual(madeAt + 10_000);
    vi.setSystemTime(expiresAt);
    await refused(await call(`${path}?ticket=${ticket}`), 401, "token_expired");
    // The token itself has its leeway still.
    expect((await call(`/v1/rooms/${room}`, { credential: brief })).status).toBe(200);
    await refused(await call("/v1/tickets", { method: "POST", credential: brief, body: {} }), 401, "token_expired");
  });

  test("[A12] [A10] one of a key that was removed meanwhile, or of a token that it signed, is `token_revoked`", async () => {
    const { tenant } = await newOnes();
    const add = { method: "POST", credential: tenant.key, body: { capabilities: ["read"] } };
    const { key } = await (await call("/v1/keys", add)).json<{ key: { id: string; secret: string } }>();
    const body = { user: "bo", rooms: { "*": ["read"] } };
    const signed = await call("/v1/tokens", { method: "POST", credential: key.secret, body });
    const { token } = await signed.json<{ token: string }>();
    const urls: string[] = [];
    for (const credential of [key.secret, token])
      for (const way of ways) urls.push(way.address(await textOf(credential, way.body)));
    await call(`/v1/keys/${key.id}`, { method: "DELETE", credential: tenant.key });
    vi.useFakeTimers({ now: Date.now() + 5_001, toFake: ["Date"] });
    for (const url of urls) {
      await refused(await call(url), 401, "token_revoked");
      const lastEventId = url.startsWith(path) ? "abcdefgh:0" : "abcdefgh:0,";
      expect((await call(url, { headers: { "Last-Event-ID": lastEventId } })).status).toBe(204);
    }
  });

  test.each(ways)(
    "[A12] of $where: its use is remembered until it is past, and forgotten then",
    async ({ where, address, body }) => {
      const { tenant, token } = await newOnes();
      const object = where === "one room" ? roomObject(tenant, room) : env.TENANT.getByName(tenant.id);
      const rowsNow = (): Promise<unknown[]> =>
        runInDurableObject(object as DurableObjectStub, (_, { storage }) => storage.sql.exec(ticketRows).toArray());
      const made = await ticketOf(token, body);
      expect(await rowsNow()).toEqual([]);
      const stream = await openEvents(address(made.ticket));
      await stream.welcome();
      expect(await rowsNow()).toEqual([{ id: claimsOf(made.ticket)["id"], expires_at: expect.any(Number) }]);
      await refused(await call(address(made.ticket)), 401, "token_invalid");
      expect(await rowsNow()).toHaveLength(1);
      await stream.cancel();
      const ringAt = async (nowMs: number): Promise<void> => {
        vi.useFakeTimers({ now: nowMs, toFake: ["Date"] });
        await runDurableObjectAlarm(object as DurableObjectStub);
      };
      await ringAt(made.expiresAt + 1);
      expect(await rowsNow()).toHaveLength(1);
      await refused(await call(address(made.ticket)), 401, "token_expired");
      await ringAt(made.expiresAt + 120_000);
      expect(await rowsNow()).toEqual([]);
      const jobs = await runInDurableObject(object as DurableObjectStub, (_, { storage }) =>
        storage.sql.exec("SELECT name FROM job WHERE name = 'tickets'").toArray(),
      );
      expect(jobs).toEqual([]);
      await refused(await call(address(made.ticket)), 401, "token_expired");
    },
  );

  test("[A12] the alarm rings by itself for each that was used, the soonest first", async () => {
    const { tenant, token } = await newOnes();
    vi.useFakeTimers({ now: Date.now(), toFake: ["Date"] });
    const used: number[] = [];
    for (const laterMs of [0, 30_000]) {
      vi.setSystemTime(Date.now() + laterMs);
      const made = await ticketOf(token);
      await (await openEvents(`${path}?ticket=${made.ticket}`)).cancel();
      used.push(made.expiresAt);
    }
    const rows = await query<{ expires_at: number }>(tenant, room, `${ticketRows} ORDER BY expires_at`);
    expect(rows).toHaveLength(2);
    const due = (): Promise<{ at: number }[]> => query(tenant, room, "SELECT at FROM job WHERE name = 'tickets'");
    expect(await due()).toEqual([{ at: rows[0]?.expires_at }]);
    vi.setSystemTime(rows[0]?.expires_at ?? 0);
    await runDurableObjectAlarm(roomObject(tenant, room));
    expect(await query(tenant, room, ticketRows)).toHaveLength(1);
    expect(await due()).toEqual([{ at: rows[1]?.expires_at }]);
    expect(rows.every(({ expires_at }, index) => expires_at >= (used[index] ?? 0))).toBe(true);
  });

  test("[A12] what was refused for another reason leaves no row", async () => {
    const { tenant, token } = await newRooms([room, "other"], { socketsPerUser: 1 });
    const held = await openEvents(path, { credential: token });
    await held.welcome();
    const ticket = await textOf(token);
    await refused(await call(`${path}?ticket=${ticket}`), 429, "connection_limit");
    await refused(await call(`/v1/rooms/other/events?ticket=${ticket}`), 401, "token_invalid");
    for (const name of [room, "other"]) expect(await query(tenant, name, ticketRows)).toEqual([]);
    await held.cancel();
  });
});

describe("what it grants", () => {
  const welcomeBy = async (url: string, name = room): Promise<TestStream["events"][number]["data"]> => {
    const stream = await openEvents(url);
    const welcome = await stream.welcome(name);
    await stream.cancel();
    return welcome;
  };

  test("[A12] what its token grants in the room, and it says no more of the token", async () => {
    const { tenant } = await newOnes();
    const token = await newToken(tenant, "bo", {
      [room]: ["read", "presence"],
      other: ["read", "moderate"],
      "*": ["react"],
    });
    const ticket = await textOf(token);
    expect(claimsOf(ticket)["token"]).toMatchObject({ rooms: { [room]: ["read", "react", "presence"] } });
    expect(JSON.stringify(claimsOf(ticket))).not.toMatch(/other|moderate|\*/);
    expect(await welcomeBy(`${path}?ticket=${ticket}`)).toMatchObject({
      user: { id: "bo", name: "BO" },
      capabilities: ["read", "react", "presence"],
      expiresAt: expect.any(Number),
    });
    const all = await textOf(token, {});
    expect(await welcomeBy(`${many}&ticket=${all}`, "other")).toMatchObject({
      capabilities: ["read", "react", "moderate"],
    });
  });

  test("[A12] what its key has, as the user that was named; never `admin`", async () => {
    const { tenant } = await newOnes();
    for (const way of ways) {
      const named = await welcomeBy(way.address(await textOf(tenant.key, way.body, "bo")));
      expect(named).toMatchObject({ user: { id: "bo", name: null }, expiresAt: null });
      const unnamed = await welcomeBy(way.address(await textOf(tenant.key, way.body)));
      expect(unnamed).toMatchObject({ user: null });
    }
    const add = { method: "POST", credential: tenant.key, body: { capabilities: ["read"] } };
    const { key } = await (await call("/v1/keys", add)).json<{ key: { secret: string } }>();
    expect(await welcomeBy(`${path}?ticket=${await textOf(key.secret)}`)).toMatchObject({ capabilities: ["read"] });
  });

  const ask = (credential: string, name: string): Promise<Response> =>
    call("/v1/tickets", { method: "POST", credential, body: { room: name } });

  test("[A12] for a room that the credential may not enter there is none", async () => {
    const { tenant, token } = await newOnes();
    for (const name of ["team:a", "empty", "gone"]) await make(token, name);
    await unmake(token, "gone");
    const bo = await newToken(tenant, "bo", { "team:*": ["read"], empty: [], gone: ["read"], other: ["publish"] });
    for (const name of [room, "other", "team", "teams:a", "empty", "never:was"])
      await refused(await ask(bo, name), 403, "forbidden");
    await refused(await ask(bo, "team:b"), 404, "not_found");
    await refused(await ask(bo, "gone"), 410, "room_deleted");
    expect((await ask(bo, "team:a")).status).toBe(201);
    // For many rooms it is each room that says what the credential may there.
    for (const credential of [await newToken(tenant, "bo", {}), await newToken(tenant, "bo", { "*": ["publish"] })])
      await refused(await call(`${many}&ticket=${await textOf(credential, {})}`), 403, "forbidden");
  });

  test("[A12] what the room says when the ticket is used is what counts", async () => {
    const { token } = await newOnes();
    const tickets = [await textOf(token), await textOf(token, {})];
    for (const name of [room, "other"]) await unmake(token, name);
    for (const [index, { address }] of ways.entries())
      await refused(await call(address(tickets[index] ?? "")), 410, "room_deleted");
  });

  test("[A12] [O6] asking for one makes no room; using it does, where joining would", async () => {
    const tenant = await newTenant();
    const listed = async (): Promise<object[]> =>
      (await (await call("/v1/rooms", { credential: tenant.key })).json<{ items: object[] }>()).items;
    const token = await newToken(tenant, "ada", { "*": everything });
    const reader = await newToken(tenant, "bo", { "*": ["read"] });
    const blind = await newToken(tenant, "cy", { "*": ["publish"] });
    await refused(await ask(reader, room), 404, "not_found");
    await refused(await ask(blind, room), 403, "forbidden");
    const ticket = await textOf(token);
    const tables = await runInDurableObject(roomObject(tenant, room), (_, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master").toArray(),
    );
    expect([tables, await listed()]).toEqual([[], []]);
    await (await openEvents(`${path}?ticket=${ticket}`)).cancel();
    expect(await listed()).toMatchObject([{ name: room }]);
  });

  test("[A12] every name of a room has its ticket, also one that no pattern can spell", async () => {
    const { tenant, token } = await newOnes();
    const byPattern = await newToken(tenant, "bo", { "*": ["read"], "a:*": ["react"] });
    for (const name of ["a:", "a::b", "a:.", "a:b:", "0", "constructor", "r".repeat(128), "a.b-c_d"]) {
      await call(`/v1/rooms/${name}`, { method: "PUT", credential: token, body: {} });
      for (const credential of [token, byPattern]) {
        const ticket = await textOf(credential, { room: name });
        const direct = await openEvents(`/v1/rooms/${name}/events`, { credential });
        const { capabilities } = await direct.welcome();
        await direct.cancel();
        expect([name, await welcomeBy(`/v1/rooms/${name}/events?ticket=${ticket}`, name)]).toMatchObject([
          name,
          { room: name, capabilities },
        ]);
      }
    }
  });

  test("[A12] the largest token has its ticket, which stands in an address", async () => {
    const { tenant } = await newOnes();
    const user = "é".repeat(128);
    const rooms: Record<string, string[]> = { [room]: ["read"] };
    let token = "";
    // As many and as long patterns as a token takes.
    for (let count = 0; count < fixedLimits.tokenRooms - 1; count++) {
      rooms[`${"x".repeat(30)}${count}:*`] = ["read"];
      const made = await call("/v1/tokens", {
        method: "POST",
        credential: tenant.key,
        body: { user, name: "漢".repeat(128), rooms },
      });
      if (made.status !== 201) break;
      token = (await made.json<{ token: string }>()).token;
    }
    expect(token.length).toBeGreaterThan(6_000);
    for (const way of ways) {
      const ticket = await textOf(token, way.body);
      expect(ticket.length).toBeLessThan(9_000);
      expect(await welcomeBy(way.address(ticket))).toMatchObject({ user: { id: user } });
    }
  });
});

describe("where it is not", () => {
  const pieces = (ticket: string): string[] =>
    ticket
      .split(".")
      .flatMap((part) => Array.from({ length: Math.max(0, part.length - 15) }, (_, at) => part.slice(at, at + 16)));

  test("[A7] [A12] in no log, no answer, no event, no stored row, and not on the room's socket", async () => {
    const logged: unknown[][] = [];
    for (const method of ["log", "info", "warn", "error", "debug"] as const)
      vi.spyOn(console, method).mockImplementation((...said: unknown[]) => void logged.push(said));
    const { tenant, token } = await newOnes();
    const tickets = [await textOf(token), await textOf(token, {})];
    const [one = "", all = ""] = tickets;
    const streams = [await openEvents(`${path}?ticket=${one}`), await openEvents(`${many}&ticket=${all}`)];
    for (const stream of streams) await stream.until(() => stream.lastEventId !== "");

    const said: string[] = [];
    const flipped = (ticket: string): string => `${ticket.slice(0, -1)}${ticket.endsWith("A") ? "E" : "A"}`;
    for (const url of [
      `${path}?ticket=${one}`,
      `${path}?ticket=${flipped(one)}`,
      `${path}?ticket=${one}${one}`,
      `${path}?ticket=${one}&ticket=${one}`,
      `${path}?ticket=${one}&cursor=x`,
      `${path}?cursor=${one}`,
      `${path}?nonsense=${one}`,
      `${many}&ticket=${one}`,
      `/v1/events?rooms=${one}`,
      `/v1/rooms/${one}/events`,
      `/v1/nowhere?ticket=${one}`,
    ])
      for (const headers of [{}, { "Last-Event-ID": one }, { "Last-Event-ID": "abcdefgh:0" }, { "Parley-User": one }]) {
        const answer = await call(url, { headers });
        expect([url, answer.ok]).toEqual([url, answer.status === 204]);
        said.push([...[...answer.headers].flat(), await answer.text()].join("\n"));
      }
    for (const stream of streams) said.push(stream.text, ...[...stream.response.headers].flat());

    for (const name of [room, "other"])
      said.push(
        await runInDurableObject(roomObject(tenant, name), (_, state) => {
          const sockets = state.getWebSockets();
          expect(sockets).toHaveLength(name === room ? 2 : 1);
          const attachments = sockets.map((socket) => WebSocket.prototype.deserializeAttachment.call(socket));
          expect(JSON.stringify(attachments)).not.toMatch(/ticket/i);
          return JSON.stringify([attachments, rowsOf(state.storage)]);
        }),
      );
    said.push(
      await runInDurableObject(env.TENANT.getByName(tenant.id), (_, { storage }) => JSON.stringify(rowsOf(storage))),
    );
    said.push(JSON.stringify(logged));
    for (const text of said)
      for (const ticket of tickets) expect(pieces(ticket).filter((piece) => text.includes(piece))).toEqual([]);
    for (const stream of streams) await stream.cancel();
  });
});

/** Every row of every table. */
function rowsOf({ sql }: DurableObjectStorage): unknown[] {
  const tables = sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'").toArray();
  return tables
    .filter(({ name }) => !name.startsWith("_cf_"))
    .flatMap(({ name }) => sql.exec(`SELECT * FROM "${name}"`).toArray());
}
