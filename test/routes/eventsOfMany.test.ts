/** Event streams of many rooms. */
import { expect, test, vi } from "vitest";
import type { Message } from "../../src/protocol/message.ts";
import { asAsked } from "../support/failing.ts";
import { everything } from "../support/api.ts";
import { evict, query, roomObject } from "../support/room.ts";
import { refused } from "./answers.ts";
import { call, connect, newToken } from "./edge.ts";
import { frameOf, heldPlaces, openEvents, TestStream, textsOf } from "./events.ts";
import { type Here, infoOf, make, newRooms, nobodyIn, publish, unmake } from "./inRoom.ts";

const names = ["red", "green", "blue"];
const url = `/v1/events?rooms=${names.join(",")}`;

async function newOnes(): Promise<Here & { readonly epochs: string[] }> {
  const here = await newRooms(names);
  const epochs = await Promise.all(names.map(async (name) => (await infoOf(here.token, name)).epoch));
  return { ...here, epochs };
}
const begun = (stream: TestStream): Promise<void> =>
  stream.until(() => names.every((name) => stream.of("changes").some((data) => data["room"] === name)));

test("[E7] each event names its room, once", async () => {
  const { tenant, token } = await newOnes();
  const stream = await openEvents(url, { credential: token });
  await begun(stream);
  const bo = await newToken(tenant, "bo", { "*": everything });
  for (const name of names) {
    const socket = await connect(name, { token: bo });
    socket.send({ type: "typing", active: true }, { type: "publish", ref: "1", nonce: "nonce-one", text: name });
    socket.send({ type: "read", upTo: 1 });
    await socket.answer("1");
    await stream.until(() => stream.of("receipt").some((data) => data["room"] === name));
    socket.close();
  }
  for (const event of stream.events) {
    frameOf(event);
    expect(names).toContain(event.data["room"]);
  }
  for (const line of stream.text.split("\n").filter((one) => one.startsWith("data: ")))
    expect(line.split('"room":"')).toHaveLength(2);
  for (const name of names) {
    expect(await stream.welcome(name)).toMatchObject({ room: name, resumed: false });
    expect(textsOf(stream, name)).toEqual([name]);
    for (const type of ["presence", "typing", "receipt"])
      expect(stream.of(type).some((data) => data["room"] === name)).toBe(true);
  }
  await stream.cancel();
});

test("[E2] an id is the cursors in the order of the rooms, with nothing in the place of one of which nothing is known", async () => {
  const { token, epochs } = await newOnes();
  const stream = await openEvents(url, { credential: token });
  await begun(stream);
  for (const [count, name] of ["blue", "red", "blue", "green"].entries()) {
    await publish(token, "x", name);
    await stream.until(() => stream.of("changes").length === 4 + count);
  }
  const at: (number | undefined)[] = [undefined, undefined, undefined];
  for (const { name, id, data } of stream.events) {
    if (name !== "changes") {
      expect([name, id]).toEqual([name, undefined]);
      continue;
    }
    at[names.indexOf(String(data["room"]))] = Number(data["to"]);
    expect(id).toBe(at.map((seq, index) => (seq === undefined ? "" : `${epochs[index]}:${seq}`)).join(","));
  }
  expect(at).toEqual([1, 1, 2]);
  await stream.cancel();
});

test("[E1] a reader that was cut after any event resumes in every room with exactly what it has not", async () => {
  const { token } = await newOnes();
  const stream = await openEvents(url, { credential: token });
  await begun(stream);
  const sent: string[] = [];
  for (let turn = 0; turn < 9; turn++) {
    const name = names[(turn * 2) % 3] ?? "";
    sent.push(`${name} ${turn}`);
    await publish(token, `${name} ${turn}`, name);
  }
  await stream.until(() => sent.every((text) => textsOf(stream).includes(text)));
  const cuts = stream.events.flatMap(({ id }, index) => (id === undefined ? [] : [{ id, index }]));
  expect(cuts).toHaveLength(12);
  for (const { id, index } of cuts) {
    const had = new Map(names.map((name): [string, unknown[]] => [name, []]));
    for (const { name, data } of stream.events.slice(0, index + 1))
      if (name === "changes")
        had
          .get(String(data["room"]))
          ?.push(...(data["changes"] as { message: Message }[]).map((one) => one.message.text));
    const again = await openEvents(url, { credential: token, headers: { "Last-Event-ID": id } });
    await again.until(() =>
      sent.every((text) => [...had.values()].flat().includes(text) || textsOf(again).includes(text)),
    );
    const parts = id.split(",");
    for (const [place, name] of names.entries()) {
      const welcome = await again.welcome(name);
      expect([name, welcome["resumed"]]).toEqual([name, parts[place] !== ""]);
      const all = sent.filter((text) => text.startsWith(name));
      expect([...(had.get(name) ?? []), ...textsOf(again, name)]).toEqual(all);
    }
    await again.cancel();
  }
  await stream.cancel();
});

test("[E2] `cursor` is as many as there are rooms, each its own or none, and `Last-Event-ID` wins over it", async () => {
  const { token, epochs } = await newOnes();
  for (const name of names) for (const text of ["one", "two"]) await publish(token, text, name);
  const search = `${url}&cursor=${epochs[0]}:1,,0`;
  const stream = await openEvents(search, { credential: token });
  await begun(stream);
  const resumed = async (one: TestStream): Promise<unknown[]> =>
    Promise.all(names.map(async (name) => (await one.welcome(name))["resumed"]));
  expect(await resumed(stream)).toEqual([true, false, false]);
  expect(names.map((name) => textsOf(stream, name))).toEqual([["two"], ["one", "two"], ["one", "two"]]);
  expect(stream.lastEventId).toBe(epochs.map((epoch) => `${epoch}:2`).join(","));
  await stream.cancel();
  const back = await openEvents(search, { credential: token, headers: { "Last-Event-ID": stream.lastEventId } });
  expect(await resumed(back)).toEqual([true, true, true]);
  await back.cancel();
  const [red = ""] = epochs;
  for (const given of [`${red}:1`, `${red}:1,`, `${red}:1,,,`, `${red}:1,x,`, ","]) {
    const headers = { "Last-Event-ID": given };
    await refused(await call(url, { credential: token, headers }), 400, "invalid_field");
    await refused(await call(`${url}&cursor=${given}`, { credential: token }), 400, "invalid_field");
  }
});

test("[E2] a room that cannot resume says why; the others resume", async () => {
  const { token, epochs } = await newOnes();
  const headers = { "Last-Event-ID": `${epochs[0]}:0,${epochs[1]}:7,anotherE:0` };
  const stream = await openEvents(url, { credential: token, headers });
  await stream.until(() => stream.of("changes").length === 2);
  expect(await stream.welcome("red")).toMatchObject({ resumed: true });
  expect(await stream.welcome("green")).toMatchObject({ resumed: false, gap: { reason: "ahead" } });
  expect(await stream.welcome("blue")).toMatchObject({ resumed: false, gap: { reason: "epoch" } });
  expect(stream.lastEventId).toBe(epochs.map((epoch) => `${epoch}:0`).join(","));
  await stream.cancel();
});

test("[E7] a room that refuses is told of with its code while the others go on", async () => {
  const { tenant, token, epochs } = await newOnes();
  const eve = await newToken(tenant, "eve", {
    red: ["read"],
    green: ["publish"],
    gone: ["read"],
    "never:was": ["read"],
  });
  await make(token, "gone");
  await unmake(token, "gone");
  const rooms = "/v1/events?rooms=blue,green,gone,red,never:was";
  const stream = await openEvents(rooms, { credential: eve });
  await stream.until(() => stream.lastEventId !== "");
  expect(stream.of("refused")).toEqual([
    { room: "blue", code: "forbidden", status: 403, message: expect.any(String), retryable: false },
    { room: "green", code: "forbidden", status: 403, message: expect.any(String), retryable: false },
    { room: "gone", code: "room_deleted", status: 410, message: expect.any(String), retryable: false },
    { room: "never:was", code: "not_found", status: 404, message: expect.any(String), retryable: false },
  ]);
  expect(stream.of("error")).toEqual([]);
  await publish(token, "on", "red");
  await stream.until(() => textsOf(stream, "red").includes("on"));
  expect(stream.lastEventId).toBe(`,,,${epochs[0]}:1,`);
  await stream.cancel();
  // What it remembers of a room that refuses now is not lost.
  const headers = { "Last-Event-ID": `${epochs[2]}:0,,,${epochs[0]}:0,` };
  const again = await openEvents(rooms, { credential: eve, headers });
  await again.until(() => again.lastEventId !== "");
  expect(again.lastEventId).toBe(`${epochs[2]}:0,,,${epochs[0]}:1,`);
  await again.cancel();
  await nobodyIn(token, "red");
});

test("[E7] where all refuse, the first refusal is the answer", async () => {
  const { tenant, token } = await newOnes();
  const before = heldPlaces();
  const eve = await newToken(tenant, "eve", { red: ["publish"], "never:was": ["read"] });
  await refused(await call("/v1/events?rooms=red,never:was", { credential: eve }), 403, "forbidden");
  await refused(await call("/v1/events?rooms=never:was,red", { credential: eve }), 404, "not_found");
  for (const name of names) await unmake(token, name);
  await refused(await call(url, { credential: token }), 410, "room_deleted");
  expect(heldPlaces()).toBe(before);
});

test("[E7] a room that ends is told of, and the others go on until the last has ended", async () => {
  const { token } = await newOnes();
  const before = heldPlaces();
  const stream = await openEvents(url, { credential: token });
  await begun(stream);
  for (const name of ["green", "blue"]) {
    await unmake(token, name);
    await stream.until(() => stream.of("closing").some((data) => data["room"] === name));
    await publish(token, `after ${name}`, "red");
    await stream.until(() => textsOf(stream, "red").includes(`after ${name}`));
  }
  expect(stream.of("closing")).toMatchObject([
    { room: "green", code: 4504, reconnect: "never" },
    { room: "blue", code: 4504, reconnect: "never" },
  ]);
  expect(stream.ended).toBeNull();
  const again = await openEvents(url, { credential: token, headers: { "Last-Event-ID": stream.lastEventId } });
  await again.until(() => again.of("refused").length === 2);
  expect(await again.welcome("red")).toMatchObject({ resumed: true });
  await unmake(token, "red");
  for (const one of [stream, again]) {
    expect(await one.end()).toBe("end");
    expect(one.of("closing").at(-1)).toMatchObject({ room: "red", code: 4504 });
  }
  expect(heldPlaces()).toBe(before);
  const back = await call(url, { credential: token, headers: { "Last-Event-ID": stream.lastEventId } });
  expect(back.status).toBe(204);
});

test("[E7] a room that must be read anew ends the whole stream, which resumes in all", async () => {
  const { tenant, token } = await newOnes();
  const stream = await openEvents(url, { credential: token });
  await begun(stream);
  await roomObject(tenant, "green").closeAll("resync");
  expect(await stream.end()).toBe("end");
  expect(stream.of("closing")).toMatchObject([{ room: "green", code: 4410, reconnect: "now" }]);
  for (const name of names) await nobodyIn(token, name);
  const again = await openEvents(url, { credential: token, headers: { "Last-Event-ID": stream.lastEventId } });
  for (const name of names) expect(await again.welcome(name)).toMatchObject({ resumed: true });
  await again.cancel();
});

test("[E7] a room that is broken disturbs no other", async () => {
  const { tenant, token } = await newOnes();
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  await query(tenant, "green", `UPDATE room SET policy = '${asAsked}'`);
  await evict(tenant, "green");
  const stream = await openEvents(url, { credential: token });
  await stream.until(() => ["red", "blue"].every((name) => stream.of("changes").some((data) => data["room"] === name)));
  expect(stream.of("refused")).toMatchObject([{ room: "green", code: "internal", retryable: true }]);
  await stream.cancel();
  vi.restoreAllMocks();
});

test("[E7] 20 rooms are on a stream; 21, none, a room twice and what is no room are refused", async () => {
  const { tenant, token } = await newOnes();
  const many = Array.from({ length: 21 }, (_, index) => `room-${index}`);
  const before = heldPlaces();
  const stream = await openEvents(`/v1/events?rooms=${many.slice(0, 20).join(",")}`, { credential: token });
  await stream.until(() => stream.of("changes").length === 20);
  expect(heldPlaces()).toBe(before + 1);
  expect(
    stream
      .of("welcome")
      .map(({ room: name }) => name)
      .toSorted(),
  ).toEqual(many.slice(0, 20).toSorted());
  await publish(token, "to the last", "room-19");
  await stream.until(() => textsOf(stream, "room-19").length === 1);
  expect(stream.lastEventId.split(",")).toHaveLength(20);
  // Such an id fits into a header, and resumes.
  const again = await openEvents(`/v1/events?rooms=${many.slice(0, 20).join(",")}`, {
    credential: token,
    headers: { "Last-Event-ID": stream.lastEventId },
  });
  await again.until(() => again.of("welcome").length === 20);
  expect(again.of("welcome").every(({ resumed }) => resumed === true)).toBe(true);
  for (const one of [stream, again]) await one.cancel();
  for (const rooms of [many.join(","), "", ",", "red,", "red,red", "red,blue,red", "red, blue", "red,-x", "a/b"]) {
    const search = `?rooms=${encodeURIComponent(rooms)}`;
    await refused(await call(`/v1/events${search}`, { credential: token }), 400, "invalid_field");
  }
  await refused(await call("/v1/events", { credential: token }), 400, "invalid_field");
  expect(heldPlaces()).toBe(before);
  const directory = await call("/v1/rooms?limit=200", { credential: tenant.key });
  expect((await directory.json<{ items: object[] }>()).items).toHaveLength(names.length + 20);
});

test("[E5] twenty rooms with a whole replay each reach a reader that is no faster than a network", async () => {
  const { token } = await newOnes();
  const full = Array.from({ length: 20 }, (_, index) => `full-${index}`);
  const text = "€".repeat(16_384);
  await Promise.all(
    full.map(async (name) => {
      for (let count = 0; count < 9; count++) await publish(token, text, name);
    }),
  );
  const response = await call(`/v1/events?rooms=${full.join(",")}`, { credential: token });
  const network = new TransformStream<Uint8Array, Uint8Array>({
    async transform(chunk, controller) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      controller.enqueue(chunk);
    },
  });
  const stream = new TestStream(new Response(response.body?.pipeThrough(network) ?? null));
  await stream.until(() => full.every((name) => textsOf(stream, name).length === 9), 10_000);
  await stream.cancel();
}, 60_000);
