/**
 * An answer of 10,000 tokens, 100 a second, to fifty readers, half of them by WebSocket, half by its event stream (SPEC J13, J18). The
 * first part of it is measured; in the rest readers come, go and are cut, and the server is stopped and killed.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { cpuUs } from "../bench/cpu.ts";
import { killGroup, startGroup } from "../bench/groups.ts";
import { TextProducer } from "../test/support/textProducer.ts";
import { EventTextReader, SocketTextReader, type TextReader } from "../test/support/textReader.ts";
import { variantOf } from "../test/support/variant.ts";
import { answerOf, inPace } from "./answer.ts";
import { House, type Tenant } from "./house.ts";
import { Listener } from "./listener.ts";

/** `STREAM_TOKENS=2000` for a try. */
const tokens = Number(process.env["STREAM_TOKENS"] ?? 10_000);
const perSecond = 100;
const readers = 50;
/** Of them, so many leave before the end, and others come in their place. */
const leaving = 10;
const measured = Math.floor(tokens * 0.4);
const cutEveryMs = 200;
/** Tokens in the middle of the answer, where it has the length that it has on average. */
const edited = Math.floor(tokens / 7);
const interruptedWithinMs = 35_000;
const room = "answers";
const user = "model";
const text = answerOf(tokens);
const limits = {
  publishPerUserPerSecond: 1_000,
  publishPerUserBurst: 2_000,
  publishPerRoomPerSecond: 1_000,
  textLength: 32_768,
  socketsPerUser: 200,
};

export async function streams(): Promise<string> {
  const project = countingRows();
  const house = await House.open({ project });
  try {
    const tenant = await house.newTenant("ai", limits);
    const answer = await Answer.begin(house, tenant);
    const told = [
      await answer.measure(),
      await answer.trouble(),
      await sideBySide(house, tenant),
      await abandoned(house, tenant),
    ];
    return told.join("; ");
  } finally {
    await house.close();
    rmSync(project, { recursive: true, force: true });
  }
}

/** A copy of the project whose rooms say, where read positions are asked for, how many rows they have written. */
function countingRows(): string {
  execFileSync(process.execPath, [join(import.meta.dirname, "..", "standalone", "build.ts")]);
  const place = "ctx.setWebSocketAutoResponse(";
  return variantOf(
    place,
    `{ const { sql } = ctx.storage; const exec = sql.exec.bind(sql); let rows = 0;
       Object.defineProperty(sql, "exec", { value: (...given) => { const cursor = exec(...given); rows += cursor.rowsWritten; return cursor; } });
       Object.getPrototypeOf(this).readPositions = async () => ({ ok: true, positions: [{ user: "rows", upTo: rows }] }); } ${place}`,
  );
}

async function rowsWritten(tenant: Tenant): Promise<number> {
  const answer = await tenant.ask(`/v1/rooms/${room}/read`, undefined, "GET");
  const { items } = (await answer.json()) as { items: { upTo: number }[] };
  return items[0]?.upTo ?? 0;
}

/** What the server spends on something: its processor's time, and rows of the room. */
async function costOf(
  house: House,
  tenant: Tenant,
  work: () => Promise<unknown>,
): Promise<{ us: number; rows: number }> {
  const { workerd } = house.processes;
  const before = { us: cpuUs([workerd]), rows: await rowsWritten(tenant) };
  await work();
  return { us: cpuUs([workerd]) - before.us, rows: (await rowsWritten(tenant)) - before.rows };
}

class Answer {
  readonly #house: House;
  readonly #tenant: Tenant;
  readonly #producer: TextProducer;
  readonly #token: string;
  readonly #crowd: TextReader[] = [];
  readonly #reading: Promise<void>[] = [];

  private constructor(house: House, tenant: Tenant, producer: TextProducer, token: string) {
    this.#house = house;
    this.#tenant = tenant;
    this.#producer = producer;
    this.#token = token;
  }

  static async begin(house: House, tenant: Tenant): Promise<Answer> {
    const producer = new TextProducer({ url: house.url, room, key: tenant.key, user });
    await producer.begin();
    const answer = new Answer(house, tenant, producer, await tenant.token("reader"));
    for (let reader = 0; reader < readers; reader++) answer.#join();
    await delay(1_000);
    return answer;
  }

  /** Nothing happens but the answer. */
  async measure(): Promise<string> {
    const framesBefore = this.#crowd.map(({ frames }) => frames);
    const sinceMs = performance.now();
    const cost = await costOf(this.#house, this.#tenant, () => this.#say(0, measured));
    const seconds = (performance.now() - sinceMs) / 1_000;
    const frames = this.#crowd.reduce((sum, reader, index) => sum + reader.frames - (framesBefore[index] ?? 0), 0);
    return [
      `${measured} tokens to ${readers} readers in ${seconds.toFixed(1)} s`,
      `${(frames / readers).toFixed(0)} frames a reader (${(frames / readers / seconds).toFixed(1)} a second)`,
      `${cost.rows} rows written`,
      `${(cost.us / measured).toFixed(0)} µs of workerd a token`,
    ].join(", ");
  }

  /** Readers leave, come and are cut; the server is stopped and, later, killed. */
  async trouble(): Promise<string> {
    const rest = tokens - measured;
    for (const reader of this.#crowd.splice(0, leaving)) reader.leave();
    const over = new AbortController();
    const troubled = this.#shake(over.signal);
    await this.#say(measured, measured + rest * 0.3);
    const restarting = this.#house.restart("stopped");
    await this.#say(measured + rest * 0.3, measured + rest * 0.6);
    await restarting;
    const starting = this.#house.restart("killed");
    await this.#say(measured + rest * 0.6, tokens);
    await starting;
    over.abort();
    await troubled;
    const ended = await this.#producer.finish({ status: "sent" });
    await Promise.all(this.#reading);
    const { setBack, lost } = this.#producer;
    if (ended.body.message?.text !== text) throw new Error("the answer is not what was said");
    const wrong = this.#crowd.filter(
      (reader) => reader.text !== text || reader.status !== "sent" || reader.faults.length > 0,
    );
    if (wrong.length > 0)
      throw new Error(`${wrong.length} readers diverged: ${wrong.flatMap(({ faults }) => faults)[0]}`);
    const comebacks = this.#crowd.reduce((sum, reader) => sum + reader.comebacks, 0);
    return `all ${tokens} tokens the same with ${this.#crowd.length} readers after ${comebacks} comebacks, a restart and a kill -9 (the producer was set back ${setBack} times, ${lost} requests were lost)`;
  }

  async #say(from: number, to: number): Promise<void> {
    const pace = { text, from: Math.floor(from), to: Math.floor(to), perSecond };
    await inPace(pace, async (soFar) => {
      const ended = await this.#producer.bring(soFar);
      if (ended !== null) throw new Error(`the answer was ended by ${ended}`);
    });
  }

  async #shake(over: AbortSignal): Promise<void> {
    for (let turn = 0; !over.aborted; turn++) {
      await delay(cutEveryMs);
      this.#crowd[(turn * 7) % this.#crowd.length]?.cut();
      if (turn % 5 === 0 && this.#crowd.length < readers) this.#join();
    }
  }

  #join(): void {
    const { url } = this.#house;
    const Reader = this.#crowd.length % 2 === 0 ? SocketTextReader : EventTextReader;
    const reader = new Reader({ url, room, message: this.#producer.id, token: this.#token });
    this.#crowd.push(reader);
    this.#reading.push(reader.read());
  }
}

/** Side by side, from the middle of the answer on and to sockets alone: as a stream, and in the way in which others do it. */
async function sideBySide(house: House, tenant: Tenant): Promise<string> {
  const from = Math.floor((tokens - edited) / 2);
  const begun = text.slice(0, from * 3);
  const producer = new TextProducer({ url: house.url, room, key: tenant.key, user });
  await producer.begin(begun);
  const streamed = await costToSockets(house, tenant, from, (soFar) => producer.bring(soFar));
  await producer.finish({ status: "sent" });
  const made = await tenant.ask(`/v1/rooms/${room}/messages`, { text: begun });
  const { message } = (await made.json()) as { message: { id: number } };
  const path = `/v1/rooms/${room}/messages/${message.id}`;
  // The whole text again with each token.
  const byEdits = await costToSockets(house, tenant, from, async (soFar) => {
    const { ok, status } = await tenant.ask(path, { text: soFar }, "PATCH");
    if (!ok) throw new Error(`an edit was answered by ${status}`);
  });
  return `${edited} tokens from the middle to ${readers} sockets: as a stream ${streamed}; by edits of the whole text ${byEdits}`;
}

async function costToSockets(
  house: House,
  tenant: Tenant,
  from: number,
  say: (soFar: string) => Promise<unknown>,
): Promise<string> {
  const token = await tenant.token("reader");
  const crowd = await Promise.all(Array.from({ length: readers }, () => Listener.enter(house.socketUrl(room), token)));
  await delay(1_000);
  for (const listener of crowd) listener.frames = listener.heardBytes = 0;
  const sinceMs = performance.now();
  const cost = await costOf(house, tenant, () => inPace({ text, from, to: from + edited, perSecond }, say));
  const seconds = (performance.now() - sinceMs) / 1_000;
  await delay(200);
  const frames = crowd.reduce((sum, listener) => sum + listener.frames, 0) / readers;
  const kilobytes = crowd.reduce((sum, { heardBytes }) => sum + heardBytes, 0) / readers / 1_000;
  for (const listener of crowd) listener.leave();
  return `${seconds.toFixed(1)} s, ${cost.rows} rows written, ${frames.toFixed(0)} frames and ${kilobytes.toFixed(0)} KB a reader, ${(cost.us / edited).toFixed(0)} µs of workerd a token`;
}

/** Its producer is killed: what it has said stays, and says so. */
async function abandoned(house: House, tenant: Tenant): Promise<string> {
  const options = { url: house.url, room, key: tenant.key, user, tokens: 2_000, perSecond };
  const script = join(import.meta.dirname, "producing.ts");
  const child = startGroup(process.execPath, [script, JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (child.stdout === null) throw new Error("it has no output");
  const [id] = (await once(createInterface(child.stdout), "line")) as [string];
  const reader = new EventTextReader({
    url: house.url,
    room,
    message: Number(id),
    token: await tenant.token("reader"),
  });
  const reading = reader.read();
  await delay(3_000);
  await killGroup(child);
  const sinceMs = performance.now();
  await Promise.race([reading, delay(interruptedWithinMs)]);
  const seconds = (performance.now() - sinceMs) / 1_000;
  reader.leave();
  if (reader.status !== "interrupted") throw new Error(`an abandoned stream is ${reader.status}`);
  if (reader.text.length < 300 || !text.startsWith(reader.text))
    throw new Error("an abandoned stream has lost its text");
  return `a killed producer's message was interrupted after ${seconds.toFixed(1)} s, with all ${reader.text.length} characters that had come`;
}
