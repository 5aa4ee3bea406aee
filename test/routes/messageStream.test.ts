/** One message as a stream of events. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { AppendAnswer, MessageAnswer } from "../../src/protocol/http.ts";
import { everything, ordinary } from "../support/api.ts";
import { evict, query } from "../support/room.ts";
import { hears, newWebhook } from "../support/webhooks.ts";
import { answered, refused } from "./answers.ts";
import { call, newTenant, newToken } from "./edge.ts";
import { heldPlaces, openEvents, type TestStream } from "./events.ts";
import { infoOf, make, newRooms, nobodyIn, publish, room, ticketOf } from "./inRoom.ts";

const path = `/v1/rooms/${room}/messages`;
const newRoom = (limits = {}) => newRooms([room], limits);

afterEach(() => void vi.useRealTimers());

/** Name, id and data of each event. */
function said(stream: TestStream): [string, string | undefined, unknown][] {
  return stream.events.map(({ name, id, data }) => [name, id, data]);
}

/** Of a message that has ended: all there is of it. */
async function readWhole(address: string, credential: string | undefined, lastEventId?: string): Promise<TestStream> {
  const headers = lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId };
  const stream = await openEvents(address, { credential, headers });
  await stream.until(() => stream.of("end").length > 0);
  return stream;
}

describe("a message that has ended", () => {
  test("[J12] it is told at once: its text, what it has become, how long it is and where it changed last", async () => {
    const { token } = await newRoom();
    await publish(token, "hello 👋");
    await publish(token, { data: { only: "data" } });
    await call(`${path}/1`, { method: "PATCH", credential: token, body: { text: "hello again" } });
    const { epoch } = await infoOf(token);
    const stream = await readWhole(`${path}/1/stream`, token);
    expect(said(stream)).toEqual([
      ["snapshot", "1:11", { id: 1, text: "hello again" }],
      ["end", "1:end", { id: 1, status: "sent", length: 11, cursor: `${epoch}:3` }],
    ]);
    expect([stream.retries.length, stream.faults]).toEqual([1, []]);
    await expect.poll(() => stream.ended).toBe("end");
    expect(said(await readWhole(`${path}/2/stream`, token))).toEqual([
      ["snapshot", "2:0", { id: 2, text: "" }],
      ["end", "2:end", { id: 2, status: "sent", length: 0, cursor: `${epoch}:2` }],
    ]);
  });

  test("[J14] who comes back after its end is answered 204, from anywhere else it is told whole, and another's id is refused", async () => {
    const { token } = await newRoom();
    await publish(token, "hello");
    const comeBack = (id: string): Promise<Response> =>
      call(`${path}/1/stream`, { credential: token, headers: { "Last-Event-ID": id } });
    expect((await comeBack("1:end")).status).toBe(204);
    for (const id of ["1:0", "1:3", "1:5", "1:99"]) {
      const stream = await readWhole(`${path}/1/stream`, token, id);
      expect(stream.of("snapshot")).toEqual([{ id: 1, text: "hello" }]);
    }
    for (const id of ["2:end", "2:3", "1", "1:-1", "1:03", "1:END", "abcdefgh:1"])
      await refused(await comeBack(id), 400, "invalid_field");
  });

  test("[J14] what is unknown, deleted, expired or hidden from the reader is 404", async () => {
    const { tenant, token } = await newRoom();
    const [eve, bo] = await Promise.all(["eve", "bo"].map((user) => newToken(tenant, user, { "*": ordinary })));
    await publish(token, "deleted");
    await call(`${path}/1`, { method: "DELETE", credential: token });
    await publish(token, { text: "expiring", expiresInMs: 1_000 });
    await call(`/v1/rooms/${room}/bans/eve`, { method: "PUT", credential: tenant.key, body: { shadow: true } });
    await publish(eve ?? "", "hidden");
    vi.useFakeTimers({ now: Date.now() + 1_001, toFake: ["Date"] });
    for (const id of ["1", "3", "9"])
      await refused(await call(`${path}/${id}/stream`, { credential: token }), 404, "not_found");
    await refused(await call(`${path}/4/stream`, { credential: bo }), 404, "not_found");
    for (const credential of [eve, token])
      expect((await readWhole(`${path}/4/stream`, credential)).of("snapshot")).toEqual([{ id: 4, text: "hidden" }]);
    // Who was told so comes back no more.
    const again = await call(`${path}/1/stream`, { credential: token, headers: { "Last-Event-ID": "1:3" } });
    expect(again.status).toBe(204);
  });

  test("[J15] a ticket of its room opens it once, and its place and its socket are given back", async () => {
    const { token } = await newRoom();
    await publish(token, "hello");
    const before = heldPlaces();
    const { ticket } = await ticketOf(token);
    await readWhole(`${path}/1/stream?ticket=${ticket}`, undefined);
    await refused(await call(`${path}/1/stream?ticket=${ticket}`), 401, "token_invalid");
    await refused(await call(`${path}/2/stream`, { credential: token }), 404, "not_found");
    await expect.poll(heldPlaces).toBe(before);
    await nobodyIn(token);
  });
});

describe("a message that is being streamed", () => {
  const post = (id: number, verb: string, body: object, credential: string): Promise<Response> =>
    call(`${path}/${id}/${verb}`, { method: "POST", credential, body });
  /** Answers its id. */
  const begin = async (credential: string, text: string, more: object = {}): Promise<number> =>
    (await publish(credential, { text, streaming: true, ...more })).id;
  const append = async (id: number, at: number, text: string, credential: string): Promise<unknown> =>
    answered(await post(id, "append", { at, text }, credential), 200, AppendAnswer);
  const finish = async (id: number, credential: string, more: object = {}): Promise<unknown> =>
    answered(await post(id, "finish", { status: "sent", ...more }, credential), 200, MessageAnswer);
  const listen = async (id: number, credential: string, lastEventId?: string): Promise<TestStream> => {
    const headers = lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId };
    return openEvents(`${path}/${id}/stream`, { credential, headers });
  };
  /** As its events say. */
  const textOf = (stream: TestStream, before = ""): string =>
    stream.events.reduce((text, { name, data }) => {
      if (name === "snapshot") return String(data["text"]);
      if (name !== "delta") return text;
      expect(data["at"]).toBe(text.length);
      return text + String(data["text"]);
    }, before);
  const reaches = (stream: TestStream, text: string, before = ""): Promise<void> =>
    stream.until(() => textOf(stream, before) === text);

  test("[J10] over HTTP: a piece that is there is answered again, of a hole it is told where to go on, and the end says how long it is", async () => {
    const { token } = await newRoom();
    const id = await begin(token, "So");
    expect(await append(id, 2, " it is", token)).toEqual({ at: 8 });
    expect(await append(id, 2, " it is", token)).toEqual({ at: 8 });
    expect(await append(id, 5, " is said", token)).toEqual({ at: 13 });
    const hole = await refused(await post(id, "append", { at: 20, text: "x" }, token), 409, "stream_offset");
    expect(hole).toMatchObject({ want: 13 });
    expect(
      await refused(await post(id, "finish", { status: "sent", at: 20 }, token), 409, "stream_offset"),
    ).toMatchObject({ want: 13 });
    const sent = { message: { text: "So it is said", status: "sent", version: 1 } };
    expect(await finish(id, token, { at: 13 })).toMatchObject(sent);
    expect(await finish(id, token, { at: 13 })).toMatchObject(sent);
    await refused(await post(id, "append", { at: 13, text: "x" }, token), 409, "stream_closed");
    const nonce = { nonce: "nonce-of-stream", streaming: true, text: "" };
    expect((await call(path, { method: "POST", credential: token, body: nonce })).status).toBe(201);
    expect((await call(path, { method: "POST", credential: token, body: nonce })).status).toBe(200);
  });

  test("[J11] who cancels on one device cancels for all: the producer over HTTP is told at its next append", async () => {
    const { tenant, token } = await newRoom();
    const id = await begin(token, "as far");
    const [stream, phone] = [await listen(id, token), await newToken(tenant, "ada", { "*": ["read", "stream"] })];
    const cancelled = await answered(await post(id, "cancel", { reason: "enough" }, phone), 200, MessageAnswer);
    expect(cancelled.message).toMatchObject({ status: "cancelled", text: "as far" });
    for (const [verb, body] of [
      ["append", { at: 6, text: " as" }],
      ["finish", { status: "sent" }],
    ] as const)
      await refused(await post(id, verb, body, token), 409, "stream_cancelled");
    await stream.until(() => stream.of("end").length > 0);
    expect(stream.of("end")).toMatchObject([{ status: "cancelled", length: 6 }]);
  });

  test("[J12] [J16] it is told as it grows, and of nothing else that happens there, also after the room has slept", async () => {
    const { tenant, token } = await newRoom();
    const id = await begin(token, "one");
    const stream = await listen(id, token);
    await reaches(stream, "one");
    await append(id, 3, " two", token);
    await reaches(stream, "one two");
    await publish(token, "something else");
    const other = await begin(token, "another stream");
    await append(other, 14, " goes on", token);
    await call(`/v1/rooms/${room}/members/bo`, { method: "PUT", credential: token, body: { role: "member" } });
    await evict(tenant, room);
    await append(id, 7, " three 👋", token);
    await reaches(stream, "one two three 👋");
    await finish(id, token);
    expect(await stream.end()).toBe("end");
    expect(stream.of("end")).toMatchObject([{ id, status: "sent", length: 16 }]);
    expect(new Set(stream.events.map(({ name }) => name))).toEqual(new Set(["snapshot", "delta", "end"]));
    expect(stream.events.every(({ data }) => data["id"] === id)).toBe(true);
    let length = 0;
    for (const { name, id: eventId, data } of stream.events) {
      if (name !== "end") length = (name === "delta" ? Number(data["at"]) : 0) + String(data["text"]).length;
      expect(eventId).toBe(`${id}:${name === "end" ? name : length}`);
    }
  });

  test("[J13] cut at any event, a reader is told only what it misses; all, where the room has lost its memory", async () => {
    const { tenant, token } = await newRoom();
    const id = await begin(token, "a");
    const whole = await listen(id, token);
    for (const text of ["a", "ab", "abc", "abcd"]) {
      if (text !== "a") await append(id, text.length - 1, text.slice(-1), token);
      await reaches(whole, text);
    }
    const positions = whole.events.flatMap(({ id: eventId }) => eventId ?? []);
    expect(positions).toEqual([`${id}:1`, `${id}:2`, `${id}:3`, `${id}:4`]);
    const comeBack = async (rest: "delta" | "snapshot"): Promise<void> => {
      for (const [index, eventId] of positions.entries()) {
        const held = "abcd".slice(0, index + 1);
        const again = await listen(id, token, eventId);
        // What is not sent yet goes with the next piece to all of them.
        if (rest === "snapshot") await again.until(() => again.events.length > 0);
        await reaches(again, "abcd", held);
        expect(new Set(again.events.map(({ name }) => name))).toEqual(
          new Set(held === "abcd" && rest === "delta" ? [] : [rest]),
        );
        await again.cancel();
      }
    };
    await comeBack("delta");
    await evict(tenant, room);
    await comeBack("snapshot");
    await append(id, 4, "e", token);
    await reaches(whole, "abcde");
    // As if its end had not been saved: an event only adds, so the reader is sent back and told the whole.
    await evict(tenant, room);
    await query(tenant, room, "UPDATE message SET text = 'abc'");
    await evict(tenant, room);
    await infoOf(token);
    expect(await whole.end()).toBe("end");
    expect(whole.of("closing")).toMatchObject([{ code: 4410 }]);
    const again = await listen(id, token, `${id}:5`);
    await again.until(() => again.of("snapshot").length > 0);
    expect(again.of("snapshot")).toEqual([{ id, text: "abc" }]);
    await append(id, 3, "de", token);
    await reaches(again, "abcde");
    await finish(id, token);
    await again.until(() => again.of("end").length > 0);
    expect(textOf(again)).toBe("abcde");
  });

  test("[J13] where the text is another one at the end, it is told whole; what was not told yet comes before the end", async () => {
    const { token } = await newRoom();
    const [first, second] = [await begin(token, "draft"), await begin(token, "hello")];
    const [replaced, kept] = [await listen(first, token), await listen(second, token)];
    await reaches(replaced, "draft");
    await reaches(kept, "hello");
    await finish(first, token, { text: "the final text" });
    void append(second, 5, " there", token);
    await append(second, 5, " there", token);
    await finish(second, token);
    for (const stream of [replaced, kept]) await stream.until(() => stream.of("end").length > 0);
    expect(replaced.events.map(({ name }) => name)).toEqual(["snapshot", "snapshot", "end"]);
    expect([textOf(replaced), replaced.of("end")]).toMatchObject(["the final text", [{ length: 14 }]]);
    expect(kept.of("snapshot")).toHaveLength(1);
    expect([textOf(kept), kept.of("end")]).toMatchObject(["hello there", [{ length: 11 }]]);
  });

  test("[J14] a message that goes while it is listened to ends the stream: deleted, or expired", async () => {
    const { token } = await newRoom();
    const [deleted, expiring] = [await begin(token, "one"), await begin(token, "two", { expiresInMs: 1_000 })];
    const streams = [await listen(deleted, token), await listen(expiring, token)];
    for (const stream of streams) await stream.until(() => stream.of("snapshot").length > 0);
    await call(`${path}/${deleted}`, { method: "DELETE", credential: token });
    for (const stream of streams) {
      expect(await stream.end()).toBe("end");
      expect(stream.of("closing")).toMatchObject([{ code: 4504, reconnect: "never" }]);
    }
  });

  test("[J15] who is banned, or whose token is revoked, is told so and cut, and every place is given back", async () => {
    const { tenant, token } = await newRoom();
    const before = heldPlaces();
    const reader = (user: string): Promise<string> => newToken(tenant, user, { "*": ordinary });
    const id = await begin(token, "so far");
    const [bo, cy] = [await reader("bo"), await reader("cy")];
    const [banned, revoked, gone] = [await listen(id, bo), await listen(id, cy), await listen(id, token)];
    for (const stream of [banned, revoked, gone]) await reaches(stream, "so far");
    expect(heldPlaces()).toBe(before + 3);
    await call(`/v1/rooms/${room}/bans/bo`, { method: "PUT", credential: tenant.key, body: {} });
    await call("/v1/revocations", { method: "POST", credential: tenant.key, body: { user: "cy" } });
    for (const [stream, code] of [
      [banned, 4503],
      [revoked, 4502],
    ] as const) {
      expect(await stream.end()).toBe("end");
      expect(stream.of("closing")).toMatchObject([{ code, reconnect: "never" }]);
      const back = await call(`${path}/${id}/stream`, { credential: bo, headers: { "Last-Event-ID": `${id}:6` } });
      expect(back.status).toBe(204);
    }
    await gone.cancel();
    await expect.poll(heldPlaces).toBe(before);
    await nobodyIn(token);
  });

  test("[J17] an endpoint hears once of each stream's end, with the change, and of none that is hidden", async () => {
    const tenant = await newTenant();
    const token = await newToken(tenant, "ada", { "*": everything });
    const endpoint = await newWebhook(tenant, { events: ["stream.*", "message.updated"] });
    await make(token);
    const [sent, stopped, deleted] = [await begin(token, "a"), await begin(token, "bc"), await begin(token, "d")];
    await finish(sent, token, { text: "whole" });
    await post(stopped, "cancel", {}, token);
    await call(`${path}/${deleted}`, { method: "DELETE", credential: token });
    await call(`/v1/rooms/${room}/bans/eve`, { method: "PUT", credential: tenant.key, body: { shadow: true } });
    const eve = await newToken(tenant, "eve", { "*": everything });
    await finish(await begin(eve, "hidden"), eve);
    const heard = await hears(tenant, endpoint, 5);
    const { epoch } = await infoOf(token);
    expect(heard.map(({ id }) => id)).toEqual([
      `${epoch}:4:message.updated`,
      `${epoch}:4:stream.ended`,
      `${epoch}:5:message.updated`,
      `${epoch}:5:stream.ended`,
      `${epoch}:6:stream.ended`,
    ]);
    expect(heard.filter(({ type }) => type === "stream.ended").map(({ data }) => data)).toEqual([
      { id: sent, status: "sent", length: 5, cursor: `${epoch}:4` },
      { id: stopped, status: "cancelled", length: 2, cursor: `${epoch}:5` },
      { id: deleted, status: "cancelled", length: 0, cursor: `${epoch}:6` },
    ]);
  });
});
