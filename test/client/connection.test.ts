/** The client against a server that is told what to do: every end of a connection, offline, limits, and nothing left behind. */
import { getActiveResourcesInfo } from "node:process";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { type Client, type ClientOptions, createClient, ParleyError } from "../../src/client/client.ts";
import { errorOf, instructionOf } from "../../src/client/ending.ts";
import { closingFrame } from "../../src/protocol/farewell.ts";
import { type RefusalCode, refusals } from "../../src/protocol/refusals.ts";
import { type Line, ScriptedRoom, ScriptedServer } from "./script.ts";

let server: ScriptedServer;
let room: ScriptedRoom;
let client: Client | null = null;
let tokens = 0;

beforeEach(async () => {
  // The shortest of all waits, so that a test need not wait.
  vi.spyOn(Math, "random").mockReturnValue(0);
  server = await new ScriptedServer().listen();
  room = new ScriptedRoom();
  server.onFrame = (line, frame) => room.answer(line, frame);
  tokens = 0;
});
afterEach(async () => {
  client?.close();
  client = null;
  await server.close();
  vi.restoreAllMocks();
});

function connect(options: Partial<ClientOptions> = {}): { readonly client: Client; readonly states: string[] } {
  const made = createClient({ url: server.url, getToken: () => `token-${++tokens}`, WebSocket, ...options });
  client = made;
  const states: string[] = [];
  made.on("state", ({ name }) => states.push(name));
  return { client: made, states };
}

const until = (condition: () => boolean): Promise<void> =>
  vi.waitUntil(condition, { timeout: 30_000, interval: 2 }).then(() => undefined);

const closing = (Object.keys(refusals) as RefusalCode[]).filter((code) => refusals[code].close !== null);

test("[C1] of every refusal's close code the range is obeyed: 44xx comes back with a new token, 45xx never does", async () => {
  for (const [index, code] of closing.entries()) {
    const { close, retry } = refusals[code];
    const how = ["a farewell", "a Close frame alone"][index % 2];
    const { client: one, states } = connect();
    let ended = false;
    server.onFrame = (line, frame) => {
      if (frame.type !== "join" || ended) return room.answer(line, frame);
      ended = true;
      if (index % 2 === 0) line.tell(closingFrame(code, "why"));
      line.close(close ?? 0, code);
      return undefined;
    };
    const before = { lines: server.lines.length, tokens };
    const general = one.room("general");
    general.subscribe(() => undefined);
    const mayReturn = (close ?? 0) < 4500;
    await until(() => (mayReturn ? general.snapshot.status === "live" : one.state.name === "failed"));
    expect([code, how, states]).toEqual([
      code,
      how,
      mayReturn
        ? ["connecting", "connected", "waiting", "connecting", "connected"]
        : ["connecting", "connected", "failed"],
    ]);
    expect([code, server.lines.length - before.lines, tokens - before.tokens]).toEqual([
      code,
      mayReturn ? 2 : 1,
      mayReturn ? 2 : 1,
    ]);
    if (one.state.name === "failed") expect([one.state.error.code, general.snapshot.status]).toEqual([code, "failed"]);
    const pause = mayReturn ? (retry === "now" || retry === "token" ? "now" : "backoff") : "never";
    const frame = closingFrame(code, "why");
    expect([code, instructionOf({ code: close ?? 0, closing: frame })]).toEqual([code, pause]);
    one.close();
    await until(() => server.open === 0);
  }
  expect(server.openMax).toBe(1);
}, 30_000);

test("[C1] any other end is a lost network: it comes back", () => {
  for (const code of [1000, 1001, 1005, 1006, 1011, 1012, 1999])
    expect([code, instructionOf({ code }), errorOf({ code }).code]).toEqual([code, "now", "network"]);
  for (const code of [4400, 4428]) expect(instructionOf({ code })).toBe("now");
  expect(instructionOf({ code: 4499 })).toBe("backoff");
  for (const code of [4500, 4599]) expect(instructionOf({ code })).toBe("never");
});

test("[C1] what is no frame ends the connection as if it had been lost, and no program", async () => {
  const nonsense = ["<html>", "", "null", "[null]", '{"type"'];
  const { client: one, states } = connect();
  server.onLine = (line) => nonsense.splice(0, 1).forEach((text) => line.raw(text));
  const general = one.room("general");
  general.subscribe(() => undefined);
  await until(() => general.snapshot.status === "live");
  expect([server.lines.length, states.filter((name) => name === "waiting").length]).toEqual([6, 5]);
});

test("[C1] what failed comes back when it is told to", async () => {
  const { client: one, states } = connect();
  server.onLine = (line) => server.lines.length === 1 && line.close(4502, "token_revoked");
  const general = one.room("general");
  general.subscribe(() => undefined);
  await until(() => one.state.name === "failed");
  one.connect();
  await until(() => general.snapshot.status === "live");
  expect(states).toEqual(["connecting", "connected", "failed", "connecting", "connected"]);
});

test("[C1] a refused upgrade is asked over HTTP, where the reason can be read", async () => {
  server.refusal = 401;
  server.onCall = (_, response) => {
    response.statusCode = 401;
    response.end(JSON.stringify({ code: "token_revoked", detail: "no", status: 401, retryable: false }));
  };
  const { client: one, states } = connect();
  one.room("general").subscribe(() => undefined);
  await until(() => one.state.name === "failed");
  expect([states, server.calls]).toEqual([["connecting", "failed"], ["GET /v1/limits"]]);
});

test("[C2] the page of an error is no token: it is asked for again, and a ParleyError that says no ends the attempts", async () => {
  const answers = ["<html>502 Bad Gateway</html>", '{"error":"later"}', new ParleyError("token_missing", "Sign in.")];
  const { client: one, states } = connect({
    getToken: () => {
      const answer = answers.shift();
      if (answer instanceof ParleyError) throw answer;
      return answer ?? "token";
    },
  });
  one.room("general").subscribe(() => undefined);
  await until(() => one.state.name === "failed");
  expect(states).toEqual(["connecting", "waiting", "connecting", "waiting", "connecting", "failed"]);
  expect([one.state, server.lines]).toMatchObject([{ error: { code: "token_missing" } }, []]);
  one.connect();
  await until(() => one.state.name === "connected");
});

test("[C2] a token is asked for before every attempt, and one that fails is asked for again", async () => {
  let asked = 0;
  const getToken = (): string => {
    asked++;
    if (asked < 3) throw new Error("the page's server is away");
    return `token-${asked}`;
  };
  const { client: one, states } = connect({ getToken });
  one.room("general").subscribe(() => undefined);
  await until(() => one.state.name === "connected");
  expect(states).toEqual(["connecting", "waiting", "connecting", "waiting", "connecting", "connected"]);
  expect(server.lines.map(({ token }) => token)).toEqual(["token-3"]);
});

test("[C2] a token that ends soon is replaced on the open connection", async () => {
  const { client: one } = connect();
  const general = one.room("general");
  general.subscribe(() => undefined);
  await until(() => general.snapshot.status === "live");
  server.lines[0]?.tell({ type: "token", expiresAt: 1, expiring: true });
  await until(() => server.lines[0]?.frames.some(({ type }) => type === "token") ?? false);
  const said = server.lines[0]?.frames.find(({ type }) => type === "token");
  expect([said?.token, said?.room]).toEqual(["token-2", undefined]);
});

test("[C3] 1,000 messages that are published offline are sent in order, once each, 20 on their way at a time", async () => {
  const { client: one } = connect();
  const general = one.room("general");
  let isOffline = true;
  let onTheWay = 0;
  let onTheWayMax = 0;
  server.onFrame = (line, frame) => {
    if (frame.type !== "publish") return room.answer(line, frame);
    onTheWayMax = Math.max(onTheWayMax, ++onTheWay);
    setTimeout(() => {
      onTheWay--;
      room.answer(line, frame);
    }, 2);
    return undefined;
  };
  server.onLine = (line) => isOffline && line.cut();
  general.subscribe(() => undefined);
  const acks = Array.from({ length: 1_000 }, (_, index) => general.publish({ text: `${index}` }));
  await until(() => server.lines.length > 1);
  expect([general.snapshot.outbox.length, room.stored.length]).toEqual([1_000, 0]);
  isOffline = false;
  const ids = (await Promise.all(acks)).map(({ id }) => id);
  expect(ids).toEqual(acks.map((_, index) => index + 1));
  expect(room.stored.map(({ text }) => text)).toEqual(acks.map((_, index) => `${index}`));
  expect([room.received, onTheWayMax, server.openMax]).toEqual([1_000, 20, 1]);
  expect([general.snapshot.outbox, general.snapshot.messages.length]).toEqual([[], 1_000]);
}, 20_000);

test("[C4] what was not answered is sent again with its nonce after the resume, and told once", async () => {
  const { client: one } = connect();
  const general = one.room("general");
  const seen: number[] = [];
  general.on("message", ({ id }) => seen.push(id));
  general.subscribe(() => undefined);
  await until(() => general.snapshot.status === "live");
  server.onFrame = (line, frame) => {
    if (frame.type !== "publish" || server.lines.length > 1) return room.answer(line, frame);
    // Stored; and the connection goes before anybody is told.
    room.publish(frame);
    if (room.received === 5) line.cut();
    return undefined;
  };
  const acks = await Promise.all(Array.from({ length: 5 }, (_, index) => general.publish({ text: `${index}` })));
  expect(acks.map(({ id, duplicate }) => [id, duplicate])).toEqual([1, 2, 3, 4, 5].map((id) => [id, true]));
  expect([room.stored.length, room.received, seen]).toEqual([5, 10, [1, 2, 3, 4, 5]]);
  const second = server.lines[1]?.frames.map(({ type }) => type);
  expect(second?.slice(0, 3)).toEqual(["ping", "join", "publish"]);
});

test("[C5] told that it is too fast the client waits as long as it is told, and keeps the order", async () => {
  const { client: one } = connect({ outbox: { inFlight: 1 } });
  const general = one.room("general");
  let refusedAtMs = 0;
  let waitedMs = 0;
  server.onFrame = (line, frame) => {
    if (frame.type !== "publish" || frame.ref === undefined) return room.answer(line, frame);
    if (room.head === 3 && refusedAtMs === 0) {
      refusedAtMs = Date.now();
      const told = { code: "rate_limited", status: 429, message: "slowly", retryable: true, retryAfterMs: 120 };
      return line.tell({ type: "error", room: frame.room, ref: frame.ref, ...told });
    }
    if (room.head === 3) waitedMs = Date.now() - refusedAtMs;
    return room.answer(line, frame);
  };
  general.subscribe(() => undefined);
  await Promise.all(Array.from({ length: 8 }, (_, index) => general.publish({ text: `${index}` })));
  expect(room.stored.map(({ text }) => text)).toEqual(["0", "1", "2", "3", "4", "5", "6", "7"]);
  expect(waitedMs).toBeGreaterThanOrEqual(118);
});

test("[C6] what is refused for good rejects with code, status and limit; too much rejects at once", async () => {
  const { client: one } = connect({ outbox: { messages: 2 } });
  const general = one.room("general");
  server.onFrame = (line, frame) => {
    if (frame.type !== "publish") return room.answer(line, frame);
    const told = { code: "muted", status: 403, message: "You are muted.", retryable: true, retryAfterMs: 60_000 };
    return line.tell({ type: "error", room: frame.room, ref: frame.ref, ...told });
  };
  const first = general.subscribe(() => undefined);
  const two = [general.publish({ text: "1" }), general.publish({ text: "2" })];
  const third = await general.publish({ text: "3" }).catch((error: unknown) => error);
  expect(third).toBeInstanceOf(ParleyError);
  expect(third).toMatchObject({ code: "outbox_full", retryable: true });
  for (const each of await Promise.allSettled(two))
    expect(each).toMatchObject({ reason: { code: "muted", status: 403, retryAfterMs: 60_000, mayBeStored: false } });
  await expect(general.publish({ text: "x".repeat(70_000) })).rejects.toMatchObject({ code: "too_large" });
  first();
});

test("[C6] closing rejects what waits, and says what may have been stored", async () => {
  const { client: one } = connect({ outbox: { inFlight: 1 } });
  const general = one.room("general");
  server.onFrame = (line, frame) => (frame.type === "publish" ? undefined : room.answer(line, frame));
  general.subscribe(() => undefined);
  await until(() => general.snapshot.status === "live");
  const given = new AbortController();
  const [sent, waits, withdrawn] = [
    general.publish({ text: "1" }),
    general.publish({ text: "2" }),
    general.publish({ text: "3", signal: given.signal }),
  ];
  given.abort(new Error("never mind"));
  await expect(withdrawn).rejects.toThrow("never mind");
  const ends = Promise.allSettled([sent, waits]);
  one.close();
  const [first, second] = await ends;
  expect(first).toMatchObject({ reason: { code: "closed", mayBeStored: true } });
  expect(second).toMatchObject({ reason: { code: "closed", mayBeStored: false } });
  await expect(general.publish({ text: "4" })).rejects.toMatchObject({ code: "closed" });
});

test("[C7] rooms share one socket; who leaves the last one leaves no timer and no socket behind", async () => {
  const timers = (): number => getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  const { client: one, states } = connect();
  const names = ["a", "b", "c"];
  const rooms = new Map(names.map((name) => [name, new ScriptedRoom()]));
  server.onFrame = (line, frame) => rooms.get(frame.room)?.answer(line, frame);
  const ends = names.map((name) => one.room(name).subscribe(() => undefined));
  await until(() => names.every((name) => one.room(name).snapshot.status === "live"));
  await one.room("b").publish({ text: "for b" });
  expect([server.lines.length, one.room("a").snapshot.messages.length]).toEqual([1, 0]);
  ends[0]?.();
  ends[1]?.();
  await until(() => server.lines[0]?.frames.filter(({ type }) => type === "leave").length === 2);
  expect(one.state.name).toBe("connected");
  ends[2]?.();
  await until(() => server.open === 0);
  expect(states).toEqual(["connecting", "connected", "idle"]);
  // The timers of our own waiting come and go.
  await until(() => timers() <= before);
});

test("[C7] a hole makes the room come back with its cursor, on the same socket", async () => {
  const { client: one } = connect();
  const general = one.room("general");
  general.subscribe(() => undefined);
  await until(() => general.snapshot.status === "live");
  for (const nonce of ["nonce-01", "nonce-02", "nonce-03"])
    room.publish({ type: "publish", ref: "", room: "general", nonce });
  // The first two were never told.
  server.lines[0]?.tell({ type: "changes", room: "general", from: 2, to: 3, changes: [room.change(3)] });
  await until(() => general.snapshot.messages.length === 3);
  expect([server.lines.length, general.snapshot.status]).toEqual([1, "live"]);
  const said = server.lines[0]?.frames.filter(({ type }) => type === "join" || type === "leave");
  expect(said?.map(({ type, cursor }) => [type, cursor])).toEqual([
    ["join", undefined],
    ["leave", undefined],
    ["join", "abcdefgh:0"],
  ]);
});

test("[C7] a room that refuses harms no other, and one that is closed comes back if it may", async () => {
  const { client: one } = connect();
  const rooms = new Map(["a", "b", "c"].map((name) => [name, new ScriptedRoom()]));
  let closed = false;
  server.onFrame = (line: Line, frame) => {
    if (frame.type === "join" && frame.room === "b")
      return line.tell({
        type: "error",
        room: "b",
        ref: frame.ref,
        code: "banned",
        status: 403,
        message: "no",
        retryable: false,
      });
    rooms.get(frame.room)?.answer(line, frame);
    if (frame.type === "join" && frame.room === "c" && !closed) {
      closed = true;
      line.tell({ ...closingFrame("resync", "anew"), room: "c" });
    }
    return undefined;
  };
  const [a, b, c] = [one.room("a"), one.room("b"), one.room("c")];
  const errors: string[] = [];
  b.on("error", ({ code }) => errors.push(code));
  for (const each of [a, b, c]) each.subscribe(() => undefined);
  await until(
    () => a.snapshot.status === "live" && c.snapshot.status === "live" && closed && b.snapshot.status === "failed",
  );
  await until(() => server.lines[0]?.frames.filter(({ type, room: of }) => type === "join" && of === "c").length === 2);
  expect([errors, b.snapshot.error?.code, server.lines.length]).toEqual([["banned"], "banned", 1]);
});

test("[C14] a proxy that lets no WebSocket through is gone round by events, after two attempts", async () => {
  server.refusal = 400;
  server.onCall = ({ url = "" }, response) => {
    if (!url.startsWith("/v1/events")) return void response.end("{}");
    response.setHeader("Content-Type", "text/event-stream");
    for (const frame of room.welcome("general", undefined))
      response.write(
        `event: ${(frame as { type: string }).type}\ndata: ${JSON.stringify({ room: "general", ...frame })}\n\n`,
      );
    return undefined;
  };
  const { client: one, states } = connect();
  const general = one.room("general");
  general.subscribe(() => undefined);
  await until(() => general.snapshot.status === "live");
  expect(one.state).toEqual({ name: "connected", transport: "sse" });
  expect(states).toEqual(["connecting", "waiting", "connecting", "waiting", "connecting", "connected"]);
  expect(server.calls).toEqual(["GET /v1/limits", "GET /v1/limits", "GET /v1/events?rooms=general"]);
});

test("[C8] a device that wakes does not wait for the end of its pause", async () => {
  vi.mocked(Math.random).mockReturnValue(0.99);
  const listeners = new Map<string, () => void>();
  const document = {
    visibilityState: "visible",
    addEventListener: (name: string, wake: () => void) => listeners.set(name, wake),
  };
  const addEventListener = (name: string, wake: () => void): unknown => listeners.set(name, wake);
  vi.stubGlobal("document", document);
  vi.stubGlobal("addEventListener", addEventListener);
  vi.stubGlobal("navigator", { onLine: false });
  try {
    const { client: one, states } = connect();
    server.onLine = (line) => server.lines.length === 1 && line.close(1011);
    one.room("general").subscribe(() => undefined);
    await until(() => one.state.name === "offline");
    expect(one.state).toMatchObject({ error: { code: "network" } });
    listeners.get("online")?.();
    await until(() => one.state.name === "connected");
    expect([[...listeners.keys()].sort(), states]).toEqual([
      ["online", "visibilitychange"],
      ["connecting", "connected", "offline", "connecting", "connected"],
    ]);
  } finally {
    vi.unstubAllGlobals();
  }
});
