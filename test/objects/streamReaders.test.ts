/** Random streams, and readers that are cut, page, and come back; whose room loses its memory, or dies. */
import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Message } from "../../src/protocol/message.ts";
import { pass, startClock, stopClock } from "../support/clock.ts";
import { dice } from "../support/dice.ts";
import { asAsked } from "../support/failing.ts";
import { Listener } from "../support/listener.ts";
import { type Place, place } from "../support/place.ts";
import { query, roomObject } from "../support/room.ts";
import { callerOf } from "../support/streams.ts";
import { differenceOf, type Truth, truthOf } from "../support/truth.ts";

beforeEach(() => stopClock());
afterEach(startClock);

const producer = callerOf("bot");
const pieces = ["word ", "漢字", "\ud83d", "\ude00", "a longer piece, with some more of it. ", "\n", "é"];

/** What the producer has said, from which it goes on wherever it is told to. */
interface Said {
  readonly id: number;
  text: string;
}

class World {
  readonly readers: readonly Listener[];
  readonly #place: Place;
  readonly #random: () => number;
  readonly #said: Said[] = [];
  #nonces = 0;

  constructor(room: Place, token: string, seed: number) {
    this.#place = room;
    this.#random = dice(seed);
    this.readers = [50, 3, 0].map((backlog) => new Listener({ room: room.room, token, backlog, pageSize: 2 }));
  }

  get #room() {
    return roomObject(this.#place.tenant, this.#place.room);
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.#random() * from.length)];
  }

  async step(): Promise<void> {
    const chance = this.#random();
    if (chance < 0.06 || this.#said.length === 0) await this.#begin();
    else if (chance < 0.55) await this.#append();
    else if (chance < 0.6) await this.#end();
    else if (chance < 0.64) await this.#place.post("between");
    else if (chance < 0.67) await this.#sleep();
    else if (chance < 0.7) await this.#die();
    else await this.#read();
  }

  /** Every stream ends, by its producer or by its lease, and every reader comes back. */
  async end(): Promise<void> {
    while (this.#said.length > 1) await this.#end();
    pass(60_000);
    await this.#place.ring();
    const truth = await this.agree();
    expect(truth.messages.filter(({ status }) => status === "streaming")).toEqual([]);
    for (const { id, text } of this.#ended)
      expect(truth.messages.find((message) => message.id === id)?.text).toBe(text);
  }

  /** Whoever is absent comes back, and soon each holds what the room says, with the text so far of what is being streamed. */
  async agree(): Promise<Truth> {
    const truth = await truthOf(this.#place.room, this.#place.tenant.key, () => Date.now());
    let differences: (string | null)[] = [];
    for (let turn = 0; turn < 400; turn++) {
      for (const reader of this.readers) await reader.settle();
      differences = this.readers.map(({ reader }) => differenceOf(reader, truth));
      if (differences.every((difference) => difference === null)) return truth;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error(differences.join("\n"));
  }

  /** As they were finished. */
  readonly #ended: Said[] = [];

  async #begin(): Promise<void> {
    const nonce = `stream-nonce-${++this.#nonces}`;
    const begun = await this.#room.publish(producer, { type: "publish", nonce, streaming: true, text: "so: " });
    // There are as many as there may be.
    if ("message" in begun) this.#said.push({ id: Message.parse(begun.message).id, text: "so: " });
  }

  /** The next piece, or one that repeats, overlaps or comes too early; a hole is filled when it is named. */
  async #append(): Promise<void> {
    const said = this.#pick(this.#said);
    if (said === undefined) return;
    if (this.#random() < 0.7) said.text += this.#nextPiece(said.text);
    const at = Math.floor(this.#random() * (said.text.length + 1));
    let answer = await this.#room.append(producer, said.id, { at, text: said.text.slice(at) });
    if (!answer.ok && answer.error === "stream_offset")
      answer = await this.#room.append(producer, said.id, { at: answer.want ?? 0, text: said.text.slice(answer.want) });
    expect(answer).toEqual({ ok: true, at: said.text.length });
  }

  #nextPiece(text: string): string {
    const half = /[\ud800-\udbff]$/.test(text);
    if (half) return "\ude00";
    return this.#pick(pieces.filter((piece) => piece !== "\ude00")) ?? "";
  }

  async #end(): Promise<void> {
    const said = this.#pick(this.#said);
    if (said === undefined) return;
    this.#said.splice(this.#said.indexOf(said), 1);
    if (this.#random() < 0.4) return void (await this.#room.cancel(producer, said.id, {}));
    const text = said.text.toWellFormed();
    const finished = await this.#room.finish(producer, said.id, { status: "sent", text });
    expect(finished).toMatchObject({ ok: true });
    this.#ended.push({ id: said.id, text });
  }

  async #read(): Promise<void> {
    const reader = this.#pick(this.readers);
    if (reader === undefined) return;
    const chance = this.#random();
    if (reader.socket === null || reader.socket.closed !== null) await reader.settle();
    else if (chance < 0.2) reader.cut();
    else if (chance < 0.5) await reader.askPage({ overSocket: this.#random() < 0.5 });
    else if (chance < 0.6) reader.deliverLate(0);
    else await reader.deliver(1 + Math.floor(this.#random() * 6));
  }

  /**
   * The sockets stay. A room sleeps only when nothing is left to save; here, now and then, a part of what it had told was not saved
   * nevertheless.
   */
  async #sleep(): Promise<void> {
    await this.#place.forget();
    if (this.#random() < 0.4) return;
    const { tenant, room } = this.#place;
    const lose = "UPDATE message SET text = substr(text, 1, length(text) * 2 / 3) WHERE status = 'streaming'";
    await query(tenant, room, lose);
    await this.#place.forget();
    await this.agree();
  }

  /** With all that it had not written down, and all sockets. */
  async #die(): Promise<void> {
    await runInDurableObject(this.#room, (_, state) => state.abort(asAsked)).catch(() => undefined);
    for (const reader of this.readers) await reader.untilClosed();
  }
}

test("[J4] whatever is cut, paged, evicted, killed, repeated or cancelled: every reader ends with the text that is stored", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  for (let seed = 1; seed <= 2; seed++) {
    const room = await place(undefined, `general-${seed}`);
    await room.post("first");
    const world = new World(room, await room.token("ada"), seed);
    for (let step = 1; step <= 75; step++) {
      await world.step();
      if (step % 25 === 0) await world.agree();
    }
    await world.end();
  }
}, 60_000);
