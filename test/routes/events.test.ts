import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import worker from "../../src/index.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { RefusalCode } from "../../src/protocol/refusals.ts";
import { everything } from "../support/api.ts";
import { evict, roomObject } from "../support/room.ts";
import { hasSafeHeaders, refused } from "./answers.ts";
import { call, connect, newToken } from "./edge.ts";
import { frameOf, heads, heldPlaces, openEvents, TestStream, textsOf } from "./events.ts";
import { type Here, infoOf, make, newRooms, nobodyIn, publish, room, ticketOf, unmake } from "./inRoom.ts";
import { suspend } from "./operations.ts";

const path = `/v1/rooms/${room}`;
const listed = "https://app.example.com";
const newRoom = (limits = {}, settings = {}): Promise<Here> => newRooms([room], limits, settings);

/** The seq of every change, in the order in which it came. */
function seqsOf(stream: TestStream): number[] {
  return stream.events.flatMap((event) => {
    const frame = frameOf(event);
    if (frame.type !== "changes") return [];
    return frame.changes.map((change) =>
      change.type === "message" ? change.message.seq : change.type === "member" ? change.member.seq : change.room.seq,
    );
  });
}

afterEach(() => void vi.useRealTimers());

describe("a stream of one room", () => {
  test("[E2] it begins with a retry and the welcome, and of all events only `changes` have an id: the cursor that they lead to", async () => {
    const { tenant, token } = await newRoom();
    await publish(token, "one");
    const stream = await openEvents(`${path}/events`, { credential: token });
    await stream.until(() => stream.of("changes").length > 0);
    expect(stream.text).toMatch(/^retry: \d+\n\nevent: welcome\ndata: \{/);
    expect(stream.retries).toEqual([expect.any(Number)]);
    const { epoch } = await stream.welcome();

    const bo = await connect(room, { token: await newToken(tenant, "bo", { "*": everything }), presence: "full" });
    bo.send({ type: "typing", active: true }, { type: "read", upTo: 1 });
    bo.send({ type: "publish", ref: "1", nonce: "nonce-two", text: "two" });
    await bo.answer("1");
    bo.send({ type: "presence.set", state: { away: true } });
    await call(`${path}/members/bo`, { method: "PUT", credential: token, body: { role: "member" } });
    await call(path, { method: "PATCH", credential: token, body: { settings: { frozen: true } } });
    const names = ["welcome", "changes", "presence", "typing", "receipt"];
    const joined = (): unknown[] => stream.of("presence").flatMap((data) => data["joined"]);
    await stream.until(() => heads(stream).at(-1) === 4 && names.every((name) => stream.of(name).length > 0));
    await stream.until(() => JSON.stringify(joined()).includes('"bo"'));

    for (const event of stream.events) {
      const frame = frameOf(event);
      const id = frame.type === "changes" ? `${String(epoch)}:${frame.to}` : undefined;
      expect([event.name, event.id]).toEqual([event.name, id]);
      expect(names).toContain(event.name);
    }
    expect(joined()).toContainEqual(expect.objectContaining({ user: "bo", connections: 1 }));
    expect(stream.of("typing")).toMatchObject([{ user: "bo", active: true }]);
    expect(stream.of("receipt")).toMatchObject([{ user: "bo", upTo: 1 }]);
    expect(seqsOf(stream)).toEqual([1, 2, 3, 4]);
    expect([stream.faults, stream.comments]).toEqual([[], []]);
    bo.close();
    await stream.cancel();
  });

  test("[E2] the welcome is a socket's own", async () => {
    const { token } = await newRoom();
    await publish(token, "one");
    const socket = await connect(room, { token, presence: "full" });
    const stream = await openEvents(`${path}/events`, { credential: token });
    const { type: _, ...welcome } = socket.welcome;
    const other = { connection: expect.any(String), serverTime: expect.any(Number), presence: expect.anything() };
    expect(await stream.welcome()).toEqual({ ...welcome, ...other });
    socket.close();
    await stream.cancel();
  });

  test("[E2] it says when to come back: between one and three seconds, not to all the same", async () => {
    const { token } = await newRoom();
    const streams = await Promise.all(
      Array.from({ length: 20 }, () => openEvents(`${path}/events`, { credential: token })),
    );
    for (const stream of streams) await stream.until(() => stream.retries.length > 0);
    const retries = streams.flatMap((stream) => stream.retries);
    for (const ms of retries) expect(ms >= 1_000 && ms <= 3_000 && Number.isInteger(ms)).toBe(true);
    expect(new Set(retries).size).toBeGreaterThan(5);
    for (const stream of streams) await stream.cancel();
  });

  test("[E2] one that does not resume has an id, in an empty room and without a backlog too", async () => {
    const { token } = await newRoom();
    const firstId = async (search = "", headers = {}): Promise<string> => {
      const stream = await openEvents(`${path}/events${search}`, { credential: token, headers });
      await stream.until(() => stream.lastEventId !== "");
      expect(stream.events.map(({ name }) => name)).toEqual(["welcome", "changes"]);
      expect(await stream.welcome()).toMatchObject({ resumed: false });
      expect(stream.of("changes")).toMatchObject([{ from: 0, reset: true }]);
      await stream.cancel();
      return stream.lastEventId;
    };
    const { epoch } = await infoOf(token);
    for (const search of ["", "?cursor=0", "?backlog=0", `?cursor=${epoch}:7`, "?cursor=anotherE:0"])
      expect([search, await firstId(search)]).toEqual([search, `${epoch}:0`]);
    await publish(token);
    for (const search of ["", "?cursor=0", "?backlog=0", `?cursor=${epoch}:7`, "?cursor=anotherE:0"])
      expect([search, await firstId(search)]).toEqual([search, `${epoch}:1`]);
    expect(await firstId("", { "Last-Event-ID": `${epoch}:2` })).toBe(`${epoch}:1`);
  });

  test("[E1] a reader that was cut after any event resumes with exactly what came since, in order", async () => {
    const { token } = await newRoom();
    const whole = await openEvents(`${path}/events?presence=none`, { credential: token });
    for (let turn = 0; turn < 6; turn++) {
      await publish(token, `text ${turn}`);
      await call(`${path}/members/u${turn}`, { method: "PUT", credential: token, body: { role: "member" } });
      const edited = { method: "PATCH", credential: token, body: { text: `edited ${turn}` } };
      expect((await call(`${path}/messages/${turn * 3 + 1}`, edited)).status).toBe(200);
    }
    await whole.until(() => heads(whole).at(-1) === 18);
    const ids = whole.events.flatMap(({ id }) => id ?? []);
    expect(ids.length).toBeGreaterThan(6);
    for (const id of ids) {
      const position = Number(id.split(":")[1]);
      const again = await openEvents(`${path}/events?presence=none`, {
        credential: token,
        headers: { "Last-Event-ID": id },
      });
      expect(await again.welcome()).toMatchObject({ resumed: true, start: null, head: 18 });
      await caughtUp(token, again);
      // Of what changed twice only the latest is left; nothing that came before is told again.
      const seqs = seqsOf(again);
      expect(seqs).toEqual(seqs.toSorted((one, other) => one - other));
      expect(seqs.every((seq) => seq > position)).toBe(true);
      const latest = new Set([2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18].filter((seq) => seq > position));
      expect(new Set(seqs)).toEqual(latest);
      let at = position;
      for (const { from, to } of again.of("changes") as { from: number; to: number }[]) {
        expect(from).toBe(at);
        at = to;
      }
      expect(at).toBe(18);
      await again.cancel();
    }
    await whole.cancel();
  });

  test("[E2] `Last-Event-ID` wins over `cursor`, and an empty one is none", async () => {
    const { token } = await newRoom();
    for (const text of ["one", "two", "three"]) await publish(token, text);
    const { epoch } = await infoOf(token);
    const texts = async (cursor: string, lastEventId: string | undefined): Promise<unknown[]> => {
      const headers = lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId };
      const stream = await openEvents(`${path}/events?cursor=${cursor}`, { credential: token, headers });
      await stream.until(() => heads(stream).at(-1) === 3);
      await stream.cancel();
      return textsOf(stream);
    };
    expect(await texts(`${epoch}:1`, undefined)).toEqual(["two", "three"]);
    expect(await texts(`${epoch}:1`, "")).toEqual(["two", "three"]);
    expect(await texts(`${epoch}:1`, `${epoch}:2`)).toEqual(["three"]);
    expect(await texts(`${epoch}:2`, `${epoch}:1`)).toEqual(["two", "three"]);
    expect(await texts(`${epoch}:2`, "0")).toEqual(["one", "two", "three"]);
  });

  test("[R2] a reader that cannot resume is told why in the welcome and begins anew", async () => {
    const { tenant, token } = await newRoom({ replayChanges: 5 });
    for (let count = 0; count < 9; count++) await publish(token);
    const { epoch } = await infoOf(token);
    await roomObject(tenant, room).retain(4);
    const cases = [
      ["expired", `${epoch}:2`],
      ["ahead", `${epoch}:11`],
      ["epoch", "anotherE:5"],
      ["too_far", `${epoch}:3`],
      ["too_far", "0"],
    ] as const;
    for (const [reason, id] of cases) {
      const stream = await openEvents(`${path}/events`, { credential: token, headers: { "Last-Event-ID": id } });
      await stream.until(() => stream.lastEventId !== "");
      expect([reason, await stream.welcome()]).toMatchObject([reason, { resumed: false, gap: { reason }, oldest: 4 }]);
      expect(stream.of("changes")[0]).toMatchObject({ from: 0, reset: true });
      expect(stream.lastEventId).toBe(`${epoch}:10`);
      await stream.cancel();
    }
    const resumed = await openEvents(`${path}/events`, {
      credential: token,
      headers: { "Last-Event-ID": `${epoch}:5` },
    });
    const welcome = await resumed.welcome();
    expect([welcome["resumed"], welcome["gap"]]).toEqual([true, undefined]);
    await resumed.cancel();
  });

  test("[E2] a `Last-Event-ID` or a cursor that no server gave is 400", async () => {
    const { token } = await newRoom();
    const bad = [
      "x",
      "1",
      "abcdefgh",
      "abcdefgh:",
      "abcdefgh:-1",
      "abcdefgh:01",
      "abcdefgh:1,abcdefgh:1",
      ",",
      "abcdefgh:1,",
      "abcdefgh:1 ",
      " ,abcdefgh:1",
      "__proto__",
      "abcdefgh:1\u00a0",
    ];
    for (const id of bad) {
      // Fetch trims what stands in a header.
      if (id.trim() === id) {
        const headers = { "Last-Event-ID": id };
        await refused(await call(`${path}/events`, { credential: token, headers }), 400, "invalid_field");
      }
      const search = `?cursor=${encodeURIComponent(id)}`;
      await refused(await call(`${path}/events${search}`, { credential: token }), 400, "invalid_field");
    }
    await nobodyIn(token);
  });

  test("[E2] what is told of who is here is what was asked for", async () => {
    const { tenant, token } = await newRoom();
    const eve = await newToken(tenant, "eve", { "*": ["read"] });
    const open = (presence: string, credential = token): Promise<TestStream> =>
      openEvents(`${path}/events?presence=${presence}`, { credential });
    const [full, count, none, blind] = await Promise.all([
      open("full"),
      open("count"),
      open("none"),
      open("full", eve),
    ]);
    for (const stream of [full, count, none, blind]) await stream.until(() => stream.lastEventId !== "");
    const bo = await connect(room, { token: await newToken(tenant, "bo", { "*": everything }) });
    await full.until(() => full.of("presence").some(({ joined }) => JSON.stringify(joined).includes('"bo"')));
    await count.until(() => count.of("presence").some((data) => data["count"] === 2));
    await publish(token);
    for (const stream of [none, blind]) {
      await stream.until(() => heads(stream).at(-1) === 1);
      expect(stream.of("presence")).toEqual([]);
      expect((await stream.welcome())["presence"]).toBeUndefined();
    }
    expect(JSON.stringify(count.of("presence"))).not.toContain("bo");
    bo.close();
    for (const stream of [full, count, none, blind]) await stream.cancel();
  });
});

/** Waits until the stream has told all that it began with: what is only live comes after it. */
async function caughtUp(token: string, stream: TestStream): Promise<void> {
  const { head } = await infoOf(token);
  const id = stream.lastEventId.split(":")[1];
  if (id === String(head)) return;
  const socket = await connect(room, { token });
  socket.send({ type: "typing", active: true });
  await stream.until(() => stream.of("typing").length > 0 || heads(stream).at(-1) === head);
  socket.close();
}

describe("its answer", () => {
  test("[E5] nothing between us and the reader may keep, change or gather it, and it names its request", async () => {
    const { token } = await newRoom();
    for (const url of [`${path}/events`, `/v1/events?rooms=${room}`]) {
      const headers = { "X-Request-Id": "from-a-proxy" };
      const stream = await openEvents(url, { credential: token, headers });
      const answer = stream.response.headers;
      expect(answer.get("content-type")).toBe("text/event-stream; charset=utf-8");
      expect(answer.get("cache-control")).toBe("no-store, no-transform");
      expect(answer.get("x-accel-buffering")).toBe("no");
      expect(answer.get("x-request-id")).toBe("from-a-proxy");
      expect(answer.get("access-control-allow-origin")).toBeNull();
      hasSafeHeaders(stream.response);
      await stream.cancel();
    }
  });

  test("[T5] a page of a listed origin may read it, with a header or a ticket; any other is 403 and reads nothing", async () => {
    const { token } = await newRoom({}, { origins: [listed] });
    for (const url of [`${path}/events`, `/v1/events?rooms=${room}`]) {
      const body = url.includes("rooms=") ? {} : { room };
      const address = async (): Promise<string> =>
        `${url}${url.includes("?") ? "&" : "?"}ticket=${(await ticketOf(token, body)).ticket}`;
      for (const options of [
        { path: url, credential: token },
        { path: await address(), credential: undefined },
      ]) {
        const stream = await openEvents(options.path, { ...options, headers: { Origin: listed } });
        expect(stream.response.headers.get("access-control-allow-origin")).toBe(listed);
        expect(stream.response.headers.get("vary")).toMatch(/origin/i);
        expect(stream.response.headers.get("access-control-allow-credentials")).toBeNull();
        await stream.cancel();
      }
      const foreign = { Origin: `${listed}.evil.test` };
      const ticket = await address();
      for (const options of [
        { path: url, credential: token },
        { path: ticket, credential: undefined },
      ]) {
        const answer = await call(options.path, { ...options, headers: foreign });
        expect(answer.headers.get("access-control-allow-origin")).toBeNull();
        await refused(answer, 403, "origin_forbidden");
      }
      // A page of another origin does not use a ticket up.
      await (await openEvents(ticket, { headers: { Origin: listed } })).cancel();
    }
  });

  test("[T5] a page may ask beforehand whether it may send `Last-Event-ID`", async () => {
    const headers = { Origin: listed, "Access-Control-Request-Method": "GET" };
    const preflight = await call(`${path}/events`, { method: "OPTIONS", headers });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-headers")).toMatch(/last-event-id/i);
  });

  test("[T5] a page of a listed origin can read why it was refused", async () => {
    const { tenant } = await newRoom({}, { origins: [listed] });
    const credential = await newToken(tenant, "eve", { "*": ["publish"] });
    const answer = await call(`${path}/events`, { credential, headers: { Origin: listed } });
    expect(answer.headers.get("access-control-allow-origin")).toBe(listed);
    await refused(answer, 403, "forbidden");
  });

  test("[E5] asked for its head alone, it opens nothing that stays", async () => {
    const { token } = await newRoom();
    const before = heldPlaces();
    for (const url of [`${path}/events`, `/v1/events?rooms=${room}`]) {
      const head = await call(url, { method: "HEAD", credential: token });
      expect([head.status === 200 || head.status === 405, await head.text()]).toEqual([true, ""]);
    }
    await nobodyIn(token);
    expect(heldPlaces()).toBe(before);
  });
});

describe("who comes back and must not", () => {
  interface Case {
    readonly what: string;
    readonly status: number;
    readonly code: RefusalCode;
    /** Makes it so; the address and the credential with which is asked. */
    readonly ask: (here: Here, many: boolean) => Promise<{ url: string; credential?: string; headers?: object }>;
  }
  const address = (many: boolean, name = room): string =>
    many ? `/v1/events?rooms=${name}&` : `/v1/rooms/${name}/events?`;
  const wish = (many: boolean): object => (many ? {} : { room });
  const cases: readonly Case[] = [
    {
      what: "with a ticket that was used",
      status: 401,
      code: "token_invalid",
      ask: async ({ token }, many) => {
        const url = `${address(many)}ticket=${(await ticketOf(token, wish(many))).ticket}`;
        await (await openEvents(url)).cancel();
        return { url };
      },
    },
    {
      what: "with a ticket that has expired",
      status: 401,
      code: "token_expired",
      ask: async ({ token }, many) => {
        const url = `${address(many)}ticket=${(await ticketOf(token, wish(many))).ticket}`;
        vi.useFakeTimers({ now: Date.now() + 60_001, toFake: ["Date"] });
        return { url };
      },
    },
    {
      what: "with a ticket for something else",
      status: 401,
      code: "token_invalid",
      ask: async ({ token }, many) => ({
        url: `${address(many)}ticket=${(await ticketOf(token, wish(!many))).ticket}`,
      }),
    },
    {
      what: "to a room that was deleted",
      status: 410,
      code: "room_deleted",
      ask: async ({ token }, many) => {
        await unmake(token);
        return { url: address(many), credential: token };
      },
    },
    {
      what: "to a room that was deleted, with a ticket",
      status: 410,
      code: "room_deleted",
      ask: async ({ token }, many) => {
        const { ticket } = await ticketOf(token, wish(many));
        await unmake(token);
        return { url: `${address(many)}ticket=${ticket}` };
      },
    },
    {
      what: "to a room that never was",
      status: 404,
      code: "not_found",
      ask: async ({ tenant }, many) => ({
        url: address(many, "never:was"),
        credential: await newToken(tenant, "eve", { "*": ["read"] }),
      }),
    },
    {
      what: "who may not read",
      status: 403,
      code: "forbidden",
      ask: async ({ tenant }, many) => ({
        url: address(many),
        credential: await newToken(tenant, "eve", { "*": ["publish"], other: everything }),
      }),
    },
    {
      what: "whose tenant was suspended",
      status: 403,
      code: "tenant_suspended",
      ask: async (here, many) => {
        await suspend(here);
        vi.useFakeTimers({ now: Date.now() + 6_000, toFake: ["Date"] });
        return { url: address(many), credential: here.token };
      },
    },
    {
      what: "whose key was removed",
      status: 401,
      code: "token_revoked",
      ask: async ({ tenant }, many) => {
        const add = { method: "POST", credential: tenant.key, body: { capabilities: ["read"] } };
        const { key } = await (await call("/v1/keys", add)).json<{ key: { id: string; secret: string } }>();
        expect((await call(path, { credential: key.secret })).status).toBe(200);
        await call(`/v1/keys/${key.id}`, { method: "DELETE", credential: tenant.key });
        vi.useFakeTimers({ now: Date.now() + 6_000, toFake: ["Date"] });
        return { url: address(many), credential: key.secret };
      },
    },
    {
      what: "without a credential",
      status: 401,
      code: "token_missing",
      ask: async (_, many) => ({ url: address(many) }),
    },
    {
      what: "from an origin that is not listed",
      status: 403,
      code: "origin_forbidden",
      ask: async ({ token }, many) => ({
        url: address(many),
        credential: token,
        headers: { Origin: "https://x.test" },
      }),
    },
  ];
  const both = cases.flatMap((one) => [false, true].map((many) => ({ ...one, many, where: many ? "many" : "one" })));

  test.each(both)(
    "[E4] $what ($where): a problem at the first time, 204 for whoever comes back",
    async ({ ask, many, status, code }) => {
      const here = await newRoom({}, { origins: [listed] });
      const { epoch } = await infoOf(here.token);
      const { url, headers, ...options } = await ask(here, many);
      const before = heldPlaces();
      await refused(await call(url, { ...options, headers: { ...headers } }), status, code);
      const back = await call(url, { ...options, headers: { ...headers, "Last-Event-ID": `${epoch}:0` } });
      expect([back.status, await back.text(), back.headers.get("content-type")]).toEqual([204, "", null]);
      hasSafeHeaders(back);
      expect(heldPlaces()).toBe(before);
    },
  );

  test("[E4] with a ticket that is used up, a page that says where it stood is answered 204 too", async () => {
    const { token } = await newRoom();
    const { epoch } = await infoOf(token);
    for (const [start, wanted] of [
      [`${path}/events?`, { room }],
      [`/v1/events?rooms=${room}&`, {}],
    ] as const) {
      const url = `${start}ticket=${(await ticketOf(token, wanted)).ticket}`;
      const late = `${start}ticket=${(await ticketOf(token, wanted)).ticket}`;
      // Cut before its first change, the browser has no id to send.
      const stream = await openEvents(`${url}&cursor=${epoch}:0`);
      await stream.cancel();
      expect((await call(`${url}&cursor=${epoch}:0`)).status).toBe(204);
      await refused(await call(url), 401, "token_invalid");
      vi.useFakeTimers({ now: Date.now() + 60_001, toFake: ["Date"] });
      expect((await call(`${late}&cursor=${epoch}:0`)).status).toBe(204);
      await refused(await call(late), 401, "token_expired");
      vi.useRealTimers();
    }
    // With a credential that can be sent anew, a cursor alone is no coming back.
    await unmake(token);
    await refused(await call(`${path}/events?cursor=${epoch}:0`, { credential: token }), 410, "room_deleted");
  });

  test("[E4] who may come again later, or with a new token, is told so, however often", async () => {
    const { token } = await newRoom({ socketsPerUser: 1 });
    const { epoch } = await infoOf(token);
    const back = { "Last-Event-ID": `${epoch}:0` };
    const held = await openEvents(`${path}/events`, { credential: token });
    await held.welcome();
    for (const url of [`${path}/events`, `/v1/events?rooms=${room}`])
      for (const headers of [{}, back])
        await refused(await call(url, { credential: token, headers }), 429, "connection_limit");
    await held.cancel();
    const ask = (headers: Record<string, string>): Promise<Response> => {
      const request = new Request(`http://parley.test${path}/events`, {
        headers: { Authorization: `Bearer ${token}`, ...headers },
      });
      const full = { ...env, MAX_CONNECTIONS: String(Math.max(1, heldPlaces())) };
      return Promise.resolve(worker.fetch(request, full, createExecutionContext()));
    };
    await nobodyIn(token);
    const other = await openEvents(`${path}/events`, { credential: token });
    for (const headers of [{}, back]) await refused(await ask(headers), 503, "overloaded");
    await other.cancel();
    vi.useFakeTimers({ now: Date.now() + 3_700_000, toFake: ["Date"] });
    for (const headers of [{}, back])
      await refused(await call(`${path}/events`, { credential: token, headers }), 401, "token_expired");
  });

  test("[A12] a ticket is not used up by a refusal that is not about it", async () => {
    const { token } = await newRoom({ socketsPerUser: 1 });
    const url = `${path}/events?ticket=${(await ticketOf(token)).ticket}`;
    const held = await openEvents(`${path}/events`, { credential: token });
    await held.welcome();
    await refused(await call(url), 429, "connection_limit");
    await held.cancel();
    await nobodyIn(token);
    await (await openEvents(url)).cancel();
  });
});

describe("what it holds", () => {
  const odd = [
    "\n",
    "\r",
    "\r\n\r\n",
    "\u2028 and \u2029",
    "\u0085 next line",
    "data: x\n\nid: 9",
    "\n\nevent: closing\ndata: {}\n\n",
    "id: \u0000",
    ": hb\n\n",
    "retry: 1\n\n",
    "\ufeffdata",
    "\ufeff",
    "\u0000\u0001\u001f\u007f",
    '"type":"x","type":"y"',
    '{"type":"changes","from":0,"to":99}',
    "\\n\\r\\u000a",
    "",
    " ",
    "👩‍👩‍👧‍👦 é ü € 漢",
    "€".repeat(16_384),
  ];

  test("[E2] whatever stands in a text, in data or in a name, the events are those of the room", async () => {
    const { tenant, token } = await newRoom();
    const streams = await Promise.all(
      [`${path}/events`, `/v1/events?rooms=${room}`].map((url) => openEvents(url, { credential: token })),
    );
    const sent: Message[] = [];
    for (const text of odd)
      sent.push(await publish(token, { text, data: { [text.slice(0, 100)]: [text.slice(0, 1_000)] } }));
    const names = ["\u2028\u2029", "data: x", "id: 9", '"type":"x",', "\ufeff", "a,b:1"];
    for (const [index, name] of names.entries()) {
      const body = { user: `u${index}:,"id"`, name, rooms: { "*": everything } };
      const made = await call("/v1/tokens", { method: "POST", credential: tenant.key, body });
      const { token: theirs } = await made.json<{ token: string }>();
      const socket = await connect(room, { token: theirs });
      socket.send({ type: "presence.set", ref: "0", state: { [name]: odd[index] } }, { type: "typing", active: true });
      socket.send({ type: "publish", ref: "1", nonce: `nonce-of-${index}`, text: name });
      await socket.answer("1");
      sent.push(
        await (
          await call(`${path}/messages/${odd.length + index + 1}`, { credential: token })
        )
          .json<{ message: Message }>()
          .then(({ message }) => message),
      );
      socket.close();
    }
    for (const stream of streams) {
      await stream.until(() => heads(stream).at(-1) === sent.length);
      await stream.until(() => stream.of("typing").length === names.length);
      const told = stream.of("changes").flatMap(({ changes }) => changes as { message: Message }[]);
      expect(told.map(({ message }) => message)).toEqual(sent);
      expect(stream.of("typing").map(({ user }) => user)).toEqual(names.map((_, index) => `u${index}:,"id"`));
      for (const event of stream.events) frameOf(event);
      expect([stream.faults, stream.comments, stream.retries.length]).toEqual([[], [], 1]);
      // Every line is one of ours.
      expect(stream.text.replaceAll(/^(retry: \d+|event: [a-z]+|id: [\w-]{8}:\d+|data: \{.*\}|)$/gms, "").trim()).toBe(
        "",
      );
      await stream.cancel();
    }
    // The same from the history.
    const late = await openEvents(`${path}/events?cursor=0`, { credential: token });
    await late.until(() => heads(late).at(-1) === sent.length);
    const told = late.of("changes").flatMap(({ changes }) => changes as { message: Message }[]);
    expect(told.map(({ message }) => message)).toEqual(sent);
    await late.cancel();
  });

  test("[E2] a name of a room that looks like a field is a name", async () => {
    const { token } = await newRoom();
    const names = ["id", "data", "event:x", "retry:1", "a.b_c-d:1", "0"];
    for (const name of names) await make(token, name);
    const stream = await openEvents(`/v1/events?rooms=${names.join(",")}`, { credential: token });
    for (const name of names) await publish(token, name, name);
    await stream.until(() => names.every((name) => textsOf(stream, name).includes(name)));
    expect(stream.faults).toEqual([]);
    await stream.cancel();
  });
});

describe("how it ends", () => {
  test("[E5] a comment comes every 15 seconds", async () => {
    const { token } = await newRoom();
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const streams = await Promise.all(
      [`${path}/events`, `/v1/events?rooms=${room}`].map((url) => openEvents(url, { credential: token })),
    );
    for (const stream of streams) await stream.until(() => stream.lastEventId !== "");
    for (let beat = 1; beat <= 4; beat++) {
      vi.advanceTimersByTime(14_999);
      await publish(token, `${beat}`);
      for (const stream of streams) {
        await stream.until(() => heads(stream).at(-1) === beat);
        expect(stream.comments).toHaveLength(beat - 1);
      }
      vi.advanceTimersByTime(1);
      for (const stream of streams) await stream.until(() => stream.comments.length === beat);
    }
    for (const stream of streams) {
      expect(stream.comments).toEqual(["hb", "hb", "hb", "hb"]);
      await stream.cancel();
    }
    expect(vi.getTimerCount()).toBe(0);
  });

  test("[E5] the end of its token ends it with `closing`, leeway included; an API key's does not end", async () => {
    const { tenant, token } = await newRoom();
    const seconds = 10;
    const brief = await newToken(tenant, "bo", { "*": ["read"] }, seconds);
    const before = heldPlaces();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
    const open = (url: string, credential: string): Promise<TestStream> => openEvents(url, { credential });
    const ending = await Promise.all([
      open(`${path}/events`, brief),
      open(`/v1/events?rooms=${room}`, brief),
      openEvents(`${path}/events?ticket=${(await ticketOf(brief)).ticket}`),
      openEvents(`/v1/events?rooms=${room}&ticket=${(await ticketOf(brief, {})).ticket}`),
    ]);
    const staying = await Promise.all([open(`${path}/events`, token), open(`${path}/events`, tenant.key)]);
    for (const stream of [...ending, ...staying]) await stream.until(() => stream.lastEventId !== "");
    await vi.advanceTimersByTimeAsync(29_000);
    expect(ending.map(({ ended }) => ended)).toEqual([null, null, null, null]);
    await vi.advanceTimersByTimeAsync(seconds * 1_000 + 1_100);
    for (const stream of ending) {
      expect(await stream.end()).toBe("end");
      expect(stream.of("closing")).toEqual([{ code: 4401, reason: expect.any(String), reconnect: "now" }]);
      expect(stream.events.at(-1)).toMatchObject({ name: "closing", id: undefined });
    }
    expect(staying.map(({ ended }) => ended)).toEqual([null, null]);
    for (const stream of staying) await stream.cancel();
    vi.useRealTimers();
    await nobodyIn(token);
    expect(heldPlaces()).toBe(before);
  });

  test("[E8] after half an hour it ends with 4412 and resumes", async () => {
    const { tenant, token } = await newRoom();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
    // The latest: some end up to a tenth earlier, so that not all come back at once.
    const chance = vi.spyOn(Math, "random").mockReturnValue(1);
    const stream = await openEvents(`${path}/events`, { credential: tenant.key });
    chance.mockRestore();
    await stream.until(() => stream.lastEventId !== "");
    await vi.advanceTimersByTimeAsync(fixedLimits.heldMsMax - 1);
    expect(stream.ended).toBeNull();
    await vi.advanceTimersByTimeAsync(1);
    expect(await stream.end()).toBe("end");
    vi.useRealTimers();
    expect(stream.of("closing")).toMatchObject([{ code: 4412, reconnect: "now" }]);
    await publish(token, "meanwhile");
    const again = await openEvents(`${path}/events`, {
      credential: tenant.key,
      headers: { "Last-Event-ID": stream.lastEventId },
    });
    await again.until(() => textsOf(again).includes("meanwhile"));
    expect(await again.welcome()).toMatchObject({ resumed: true });
    await again.cancel();
  });

  test("[E5] a reader that goes leaves nothing in the room and no place taken", async () => {
    const { tenant, token } = await newRoom();
    const before = heldPlaces();
    const eve = await newToken(tenant, "eve", { "*": ["read"] });
    const streams = await Promise.all([
      openEvents(`${path}/events`, { credential: token }),
      openEvents(`/v1/events?rooms=${room}`, { credential: eve }),
    ]);
    for (const stream of streams) await stream.welcome();
    expect((await infoOf(token)).online).toBe(2);
    expect(heldPlaces()).toBe(before + 2);
    for (const stream of streams) await stream.cancel();
    await nobodyIn(token);
    expect(heldPlaces()).toBe(before);
    // Nor does one that never read.
    const response = await call(`${path}/events`, { credential: token });
    await response.body?.cancel();
    await nobodyIn(token);
    expect(heldPlaces()).toBe(before);
  });

  test("[E5] a reader that does not read is cut, and comes back to where it stood", async () => {
    const { tenant, token } = await newRoom();
    const before = heldPlaces();
    const eve = await newToken(tenant, "eve", { "*": ["read"] });
    const slow = await call(`${path}/events`, { credential: token });
    const steady = await openEvents(`${path}/events`, { credential: eve });
    // What the slow one last took was so long ago that it is waited for no more.
    vi.setSystemTime(Date.now() + fixedLimits.streamPatienceMs);
    const text = "€".repeat(16_384);
    const enough = Math.ceil(fixedLimits.streamBufferBytes / (3 * text.length));
    for (let count = 0; count < enough - 4; count++) await publish(token, text);
    expect((await infoOf(token)).online).toBe(2);
    for (let count = 0; count < 5; count++) await publish(token, text);
    await expect.poll(async () => (await infoOf(token)).online).toBe(1);
    vi.useRealTimers();
    const cut = new TestStream(slow);
    expect(await cut.end()).toBe("error");
    expect(cut.of("closing")).toEqual([]);
    // More than a slow one may leave lying, and all of it was read.
    await steady.until(() => heads(steady).at(-1) === enough + 1);
    expect(textsOf(steady)).toHaveLength(enough + 1);
    await steady.cancel();
    await nobodyIn(token);
    expect(heldPlaces()).toBe(before);
  }, 60_000);

  test("[O1] a room that loses its memory keeps its streams, and its mark moves nobody back", async () => {
    const { tenant, token } = await newRoom();
    await publish(token, "one");
    const streams = await Promise.all(
      [`${path}/events`, `/v1/events?rooms=${room}`].map((url) => openEvents(url, { credential: token })),
    );
    for (const stream of streams) await stream.until(() => stream.lastEventId !== "");
    await evict(tenant, room);
    const { epoch, online } = await infoOf(token);
    expect(online).toBe(1);
    await publish(token, "two");
    for (const stream of streams) {
      await stream.until(() => textsOf(stream).includes("two"));
      expect(stream.lastEventId).toBe(`${epoch}:2`);
      expect(seqsOf(stream)).toEqual([1, 2]);
      await stream.cancel();
    }
  });

  test("[E4] a deleted room and a suspended tenant end it with `closing`; who comes back then is answered 204", async () => {
    for (const [code, end] of [
      [4504, ({ token }: Here) => unmake(token)],
      [4510, suspend],
    ] as const) {
      const here = await newRoom();
      const before = heldPlaces();
      const urls = [`${path}/events`, `/v1/events?rooms=${room}`];
      const streams = await Promise.all(urls.map((url) => openEvents(url, { credential: here.token })));
      for (const stream of streams) await stream.until(() => stream.lastEventId !== "");
      await end(here);
      for (const stream of streams) {
        expect(await stream.end()).toBe("end");
        expect(stream.of("closing")).toMatchObject([{ code, reconnect: "never" }]);
      }
      expect(heldPlaces()).toBe(before);
      vi.useFakeTimers({ now: Date.now() + 6_000, toFake: ["Date"] });
      for (const [index, url] of urls.entries()) {
        const headers = { "Last-Event-ID": streams[index]?.lastEventId ?? "" };
        expect((await call(url, { credential: here.token, headers })).status).toBe(204);
      }
      vi.useRealTimers();
    }
  });

  test("[W3] a socket that the room must cut ends the stream, and the reader comes back", async () => {
    const { tenant, token } = await newRoom();
    const before = heldPlaces();
    const stream = await openEvents(`${path}/events`, { credential: token });
    await stream.until(() => stream.lastEventId !== "");
    await roomObject(tenant, room).closeAll("resync");
    expect(await stream.end()).toBe("end");
    expect(stream.of("closing")).toMatchObject([{ code: 4410, reconnect: "now" }]);
    expect(heldPlaces()).toBe(before);
    const headers = { "Last-Event-ID": stream.lastEventId };
    const again = await openEvents(`${path}/events`, { credential: token, headers });
    expect(await again.welcome()).toMatchObject({ resumed: true });
    await again.cancel();
  });
});
