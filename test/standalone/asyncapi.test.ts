/**
 * /asyncapi.json beside what a server really says. `.ci/run` puts @asyncapi/parser where it is looked for: with its 150 packages and
 * their scripts it is none of ours.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { createParser } from "eventsource-parser";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { roomCapabilities } from "../../src/protocol/capabilities.ts";
import { ClientFrame } from "../../src/protocol/clientFrames.ts";
import { refusals } from "../../src/protocol/refusals.ts";
import { ServerFrame } from "../../src/protocol/serverFrames.ts";
import { wholeFrames } from "../protocol/frames.ts";
import { type Server, startServer } from "../support/process.ts";

const parserFolder = join(homedir(), ".cache/parley/asyncapi-3.6.3/");
const isThere = existsSync(join(parserFolder, "node_modules/@asyncapi/parser"));

interface Message {
  readonly name: string;
  readonly payload: { readonly $ref: string };
  readonly examples: readonly { readonly payload: unknown }[];
}
interface Channel {
  readonly address: string;
  readonly messages: Readonly<Record<string, unknown>>;
  readonly "x-close-codes"?: readonly { readonly code: number; readonly refusals: readonly string[] }[];
}
interface Description {
  readonly asyncapi: string;
  readonly channels: Readonly<Record<string, Channel>>;
  readonly operations: Readonly<
    Record<string, { readonly action: string; readonly channel: { readonly $ref: string } }>
  >;
  readonly components: { readonly schemas: object; readonly messages: Readonly<Record<string, Message>> };
}

let server: Server;
let text: string;
let described: Description;
const token: Record<string, string> = {};

beforeAll(async () => {
  server = await startServer();
  const response = await fetch(`${server.url}/asyncapi.json`);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
  text = await response.text();
  described = JSON.parse(text);
  for (const user of ["ada", "bo"]) token[user] = await tokenOf(user);
});
afterAll(() => server.remove());

const headers = (credential: string): Record<string, string> => ({
  Authorization: `Bearer ${credential}`,
  "Content-Type": "application/json",
});

async function tokenOf(user: string): Promise<string> {
  const body = JSON.stringify({ user, rooms: { "*": roomCapabilities } });
  const made = await fetch(`${server.url}/v1/tokens`, { method: "POST", headers: headers(server.demoKey), body });
  return ((await made.json()) as { token: string }).token;
}

async function call(method: string, path: string, body?: object): Promise<void> {
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers: headers(server.demoKey),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect([path, answer.ok]).toEqual([path, true]);
  await answer.body?.cancel();
}

/** Of the channel, by what a message is called: its schema, as anybody would read it. */
function schemasOn(channel: string, prefix: RegExp): Map<string, z.ZodType> {
  const $defs = JSON.parse(
    JSON.stringify(described.components.schemas).replaceAll("#/components/schemas/", "#/$defs/"),
  );
  const ids = Object.keys(described.channels[channel]?.messages ?? {}).filter((id) => prefix.test(id));
  return new Map(
    ids.map((id) => {
      const { name, payload } = described.components.messages[id] ?? expect.fail(`no message ${id}`);
      return [name, z.fromJSONSchema({ $defs, $ref: payload.$ref.replace("#/components/schemas/", "#/$defs/") })];
    }),
  );
}

/** What is not as described: nothing. */
function strangers(
  schemas: Map<string, z.ZodType>,
  frames: readonly { readonly type: string }[],
  isEvent = false,
): unknown[] {
  return frames.flatMap((frame) => {
    const { type, ...data } = frame;
    const parsed = schemas.get(type)?.safeParse(isEvent ? data : frame);
    return parsed?.success === true ? [] : [[frame, parsed?.error?.issues]];
  });
}

interface Frame {
  readonly type: string;
  readonly [field: string]: unknown;
}

interface Line {
  readonly frames: Frame[];
  say(...frames: readonly object[]): void;
  until(condition: (frames: readonly Frame[]) => boolean): Promise<void>;
  close(): void;
}

async function connect(path: string, user: string): Promise<Line> {
  const frames: Frame[] = [];
  const socket = new WebSocket(server.url.replace("http", "ws") + path, ["parley.v1", `bearer.${token[user]}`]);
  socket.addEventListener("message", ({ data }) => frames.push(...[JSON.parse(String(data))].flat()));
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", reject);
  });
  return {
    frames,
    say: (...said) => said.forEach((frame) => socket.send(JSON.stringify(frame))),
    until: (condition) => expect.poll(() => condition(frames), { timeout: 30_000, interval: 20 }).toBe(true),
    close: () => socket.close(),
  };
}

/** Events as frames. */
async function listen(
  path: string,
  until: (frames: readonly Frame[]) => boolean,
  then: () => Promise<void>,
): Promise<Frame[]> {
  const frames: Frame[] = [];
  const leaving = new AbortController();
  const response = await fetch(server.url + path, { headers: headers(token["bo"] ?? ""), signal: leaving.signal });
  const parser = createParser({ onEvent: ({ event = "", data }) => frames.push({ type: event, ...JSON.parse(data) }) });
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk, { stream: true }));
  })().catch(() => undefined);
  await expect.poll(() => frames.length > 0, { timeout: 30_000, interval: 20 }).toBe(true);
  await then();
  await expect.poll(() => until(frames), { timeout: 30_000, interval: 20 }).toBe(true);
  leaving.abort();
  await reading;
  return frames;
}

const has = (frames: readonly Frame[], ...types: readonly string[]): boolean =>
  types.every((type) => frames.some((frame) => frame.type === type));

/** What ada says, so that each kind of frame is told to somebody. */
async function converse(ada: Line, bo: Line, room: string, addressed: object): Promise<void> {
  const say = (frame: object): void => ada.say({ ...frame, ...addressed });
  await Promise.all([ada, bo].map((line) => line.until((frames) => has(frames, "welcome"))));
  say({ type: "publish", ref: "1", nonce: `nonce-${room}-1`, text: "hello", streaming: true });
  await ada.until((frames) => frames.some(({ ref }) => ref === "1"));
  const id = Number(ada.frames.find(({ ref }) => ref === "1")?.["id"]);
  say({ type: "append", ref: "2", id, at: 5, text: " world" });
  say({ type: "append", ref: "3", id, at: 99, text: "!" });
  say({ type: "snapshot", ref: "4", id });
  say({ type: "typing", active: true });
  say({ type: "presence.set", ref: "5", state: { x: 1 } });
  say({ type: "presence.get", ref: "6" });
  say({ type: "read", upTo: id });
  await bo.until((frames) => has(frames, "delta", "typing", "presence", "receipt"));
  bo.say({ type: "cancel", ref: "1", id, reason: "enough", ...addressed });
  await ada.until((frames) => has(frames, "cancel"));
  say({ type: "edit", ref: "7", id, text: "hello again" });
  say({ type: "react", ref: "8", id, emoji: "👍" });
  say({ type: "history", ref: "9", limit: 5 });
  for (let index = 0; index < 18; index++) say({ type: "publish", nonce: `nonce-${room}-more-${index}`, text: "more" });
  ada.say({ type: "token", ref: "10", token: token["ada"] }, { type: "ping" }, { type: "nonsense" });
  await ada.until((frames) => has(frames, "limit", "token", "pong", "page", "presence.page", "error"));
  await call("PUT", `/v1/rooms/${room}/members/bo`, { role: "member" });
  await call("PATCH", `/v1/rooms/${room}`, { settings: { slowModeMs: 1_000 } });
  await bo.until((frames) => JSON.stringify(frames).includes('"slowModeMs":1000'));
  await call("POST", `/v1/rooms/${room}/kicks`, { user: "ada", reason: "the end" });
  await ada.until((frames) => has(frames, "closing"));
}

describe("/asyncapi.json", () => {
  test("[H15] has every frame of a client and of the server, on both sockets, and every close code", () => {
    const saidTypes = ClientFrame.options.map(({ shape }) => shape.type.value);
    const toldTypes: string[] = ServerFrame.options.map(({ shape }) => shape.type.value);
    for (const [channel, said, told] of [
      ["roomSocket", schemasOn("roomSocket", /^Client/), schemasOn("roomSocket", /^Server/)],
      ["rooms", schemasOn("rooms", /Client/), schemasOn("rooms", /^RoomServer/)],
    ] as const) {
      expect([...said.keys()].sort()).toEqual([...saidTypes, ...(channel === "rooms" ? ["join", "leave"] : [])].sort());
      expect([...told.keys()].sort()).toEqual([...toldTypes].sort());
      const closing = described.channels[channel]?.["x-close-codes"] ?? [];
      const byRefusal = closing.flatMap(({ code, refusals: codes }) => codes.map((one) => [one, code]));
      const rows = Object.entries(refusals).flatMap(([one, { close }]) => (close === null ? [] : [[one, close]]));
      expect(Object.fromEntries(byRefusal)).toEqual(Object.fromEntries(rows));
    }
    const addresses = Object.values(described.channels).map(({ address }) => address);
    expect(addresses).toEqual([
      "/v1/rooms/{room}/socket",
      "/v1/socket",
      "/v1/rooms/{room}/events",
      "/v1/events",
      "/v1/rooms/{room}/messages/{id}/stream",
    ]);
  });

  test("[H15] takes what the server takes, and its examples are of its own kind", () => {
    const whole: readonly { readonly type: string }[] = Object.values(wholeFrames);
    expect(strangers(schemasOn("roomSocket", /^Client/), whole)).toEqual([]);
    const wrong = whole.map((frame) => ({ ...frame, unknown: 1 }));
    expect(strangers(schemasOn("roomSocket", /^Client/), wrong)).toHaveLength(wrong.length);
    for (const channel of Object.keys(described.channels))
      for (const id of Object.keys(described.channels[channel]?.messages ?? {})) {
        const { name, examples } = described.components.messages[id] ?? expect.fail(`no message ${id}`);
        const isStream = !["roomSocket", "rooms"].includes(channel);
        const frames = examples.map(
          ({ payload }) => ({ ...(payload as object), ...(isStream ? { type: name } : {}) }) as Frame,
        );
        expect([channel, id, frames.length]).toEqual([channel, id, 1]);
        expect(strangers(schemasOn(channel, new RegExp(`^${id}$`)), frames, isStream)).toEqual([]);
      }
  });

  test("[H15] every frame of a session is as it says: of a room, of many rooms, as events", async () => {
    const everything = ServerFrame.options.map(({ shape }) => shape.type.value);
    const [ada, bo] = [await connect("/v1/rooms/one/socket", "ada"), await connect("/v1/rooms/one/socket", "bo")];
    const events = await listen(
      "/v1/rooms/one/events",
      (frames) => has(frames, "receipt"),
      () => converse(ada, bo, "one", {}),
    );
    const ofRoom = [...ada.frames, ...bo.frames];
    expect(everything.filter((type) => !has(ofRoom, type))).toEqual([]);
    expect(strangers(schemasOn("roomSocket", /^Server/), ofRoom)).toEqual([]);
    expect(strangers(schemasOn("roomEvents", /./), events, true)).toEqual([]);
    expect(has(events, "welcome", "changes", "presence", "typing", "receipt", "delta")).toBe(true);
    bo.close();
  });

  test("[H15] the same on one connection of many rooms", async () => {
    const everything = ServerFrame.options.map(({ shape }) => shape.type.value);
    const [ada, bo] = [await connect("/v1/socket", "ada"), await connect("/v1/socket", "bo")];
    for (const line of [ada, bo]) line.say({ type: "join", ref: "0", room: "two" });
    const events = await listen(
      "/v1/events?rooms=two,three",
      (frames) => has(frames, "receipt"),
      () => converse(ada, bo, "two", { room: "two" }),
    );
    const ofRooms = [...ada.frames, ...bo.frames];
    expect(everything.filter((type) => !has(ofRooms, type))).toEqual([]);
    expect(strangers(schemasOn("rooms", /^RoomServer/), ofRooms)).toEqual([]);
    expect(strangers(schemasOn("roomsEvents", /./), events, true)).toEqual([]);
    for (const line of [ada, bo]) line.close();
  });

  test("[H15] and of one message as events", async () => {
    const producer = await connect("/v1/rooms/four/socket", "ada");
    producer.say({ type: "publish", ref: "1", nonce: "nonce-four-1", text: "once", streaming: true });
    await producer.until((frames) => frames.some(({ ref }) => ref === "1"));
    const id = Number(producer.frames.find(({ ref }) => ref === "1")?.["id"]);
    const told = await listen(
      `/v1/rooms/four/messages/${id}/stream`,
      (frames) => has(frames, "end"),
      async () => {
        producer.say({ type: "append", id, at: 4, text: " upon" }, { type: "finish", id, status: "sent" });
        await producer.until((frames) => has(frames, "changes"));
      },
    );
    expect(strangers(schemasOn("messageEvents", /./), told, true)).toEqual([]);
    expect(has(told, "snapshot", "end")).toBe(true);
    producer.close();
  });

  test("[H15] is AsyncAPI 3.0, by its own parser", async (context) => {
    if (!isThere && process.env["CI"] === "true") expect.fail(`there is no ${parserFolder}: .ci/run installs it`);
    if (!isThere) context.skip("skipped: no @asyncapi/parser");
    const { Parser } = createRequire(parserFolder)("@asyncapi/parser");
    const faults = async (document: string): Promise<string[]> => {
      const { diagnostics } = await new Parser().parse(document);
      // 0 is an error, 1 a warning; that there is a newer AsyncAPI is neither.
      const grave = (diagnostics as { severity: number; message: string }[]).filter(({ severity }) => severity < 2);
      return grave.map(({ message }) => message);
    };
    expect(await faults(text)).toEqual([]);
    expect(await faults(text.replace('"action": "send"', '"action": "tell"'))).not.toEqual([]);
  });
});
