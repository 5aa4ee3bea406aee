/** Messages that are streamed by a real server, to readers that are cut, while it is killed. */
import { execFile } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { ask, call, type LiveTenant, makeTenant, newToken } from "../chaos/tenant.ts";
import { type Server, startServer } from "../support/process.ts";
import { TextProducer } from "../support/textProducer.ts";
import { EventTextReader, SocketTextReader, type TextReader } from "../support/textReader.ts";

const pieces = 150;
const everyMs = 10;
const readers = 12;
/** The text after each piece. */
const texts = Array.from({ length: pieces }, (_, index) => `${index}${index % 10 === 0 ? "👋" : ""} `).map(
  (_, index, all) => all.slice(0, index + 1).join(""),
);
const within = { timeout: 30_000, interval: 20 };

let server: Server;
let tenant: LiveTenant;
let token: string;

beforeAll(async () => {
  server = await startServer();
  tenant = await makeTenant(server, "acme");
  token = await newToken(tenant, "reader");
});

afterAll(() => server.remove());

const room = "answers";
const newProducer = (): TextProducer => new TextProducer({ url: server.url, room, key: tenant.key, user: "model" });

class Crowd {
  readonly readers: TextReader[] = [];
  readonly #message: number;
  readonly #reading: Promise<void>[] = [];

  constructor(message: number) {
    this.#message = message;
  }

  join(): void {
    const Reader = this.readers.length % 2 === 0 ? SocketTextReader : EventTextReader;
    const reader = new Reader({ url: server.url, room, message: this.#message, token });
    this.readers.push(reader);
    this.#reading.push(reader.read());
  }

  async joinAll(count: number): Promise<void> {
    for (let reader = 0; reader < count; reader++) this.join();
    await vi.waitUntil(() => this.readers.every(({ frames }) => frames > 0), within);
  }

  /** What each holds when all have heard the end. */
  async held(): Promise<object[]> {
    await Promise.all(this.#reading);
    return this.readers.map(({ text: held, status, faults }) => ({ held, status, faults }));
  }
}

test(`[J13] [J18] ${readers} readers that come, go and are cut end with the same text, also where the server is killed`, async () => {
  const producer = newProducer();
  const crowd = new Crowd(await producer.begin("begin "));
  await crowd.joinAll(readers / 2);
  const whole = `begin ${texts.at(-1)}`;
  for (const [piece, text] of texts.entries()) {
    expect(await producer.bring(`begin ${text}`)).toBeNull();
    if (piece % 8 === 3) crowd.readers[piece % crowd.readers.length]?.cut();
    if (piece % 20 === 10 && crowd.readers.length < readers) crowd.join();
    if (piece === pieces / 2) {
      await server.kill();
      void server.start();
    }
    await delay(everyMs);
  }
  const { status, body } = await producer.finish({ status: "sent" });
  expect([status, body.message]).toMatchObject([200, { status: "sent", text: whole }]);
  expect(await crowd.held()).toEqual(crowd.readers.map(() => ({ held: whole, status: "sent", faults: [] })));
  // Otherwise it proved less than it says.
  expect(producer.lost + producer.setBack).toBeGreaterThan(0);
  expect(crowd.readers.reduce((sum, { comebacks }) => sum + comebacks, 0)).toBeGreaterThan(readers);
  for (const reader of crowd.readers) {
    if (!(reader instanceof EventTextReader)) continue;
    const address = `${server.url}/v1/rooms/${room}/messages/${producer.id}/stream`;
    const again = { credential: token, headers: { "Last-Event-ID": reader.lastEventId ?? "" } };
    expect((await call(address, again)).status).toBe(204);
    break;
  }
});

test("[J11] who stops it on one device stops it on all: the producer over HTTP learns it from its next append", async () => {
  const producer = newProducer();
  const crowd = new Crowd(await producer.begin());
  await crowd.joinAll(4);
  expect(await producer.bring("as far as ")).toBeNull();
  const stop = { method: "POST", credential: tenant.key, user: "model", body: { reason: "enough" } };
  await ask(`${server.url}/v1/rooms/${room}/messages/${producer.id}/cancel`, stop);
  expect(await producer.bring("as far as this")).toBe("stream_cancelled");
  expect(await crowd.held()).toEqual(
    crowd.readers.map(() => ({ held: "as far as ", status: "cancelled", faults: [] })),
  );
});

test("[J12] curl reads it to its end", async () => {
  const producer = newProducer();
  const id = await producer.begin("once ");
  const address = `${server.url}/v1/rooms/${room}/messages/${id}/stream`;
  const reading = promisify(execFile)("curl", ["-sN", address, "-H", `Authorization: Bearer ${token}`]);
  await vi.waitUntil(async () => (await online()) === 1, within);
  await producer.bring("once upon a time");
  await delay(100);
  await producer.finish({ status: "sent" });
  const { stdout } = await reading;
  const events = stdout.trim().split("\n\n").slice(1);
  expect(events[0]).toBe(`id: ${id}:5\nevent: snapshot\ndata: {"id":${id},"text":"once "}`);
  expect(events[1]).toBe(`id: ${id}:16\nevent: delta\ndata: {"id":${id},"at":5,"text":"upon a time"}`);
  expect(events[2]).toMatch(
    new RegExp(`^id: ${id}:end\\nevent: end\\ndata: {"id":${id},"status":"sent","length":16,"cursor":`),
  );
  expect(events).toHaveLength(3);
});

async function online(): Promise<number> {
  return (await ask<{ online: number }>(`${server.url}/v1/rooms/${room}`, { credential: tenant.key })).online;
}
