/** Readers in one room who publish in turn, and what each of them has heard. */
import { setTimeout as delay } from "node:timers/promises";
import { nowUs } from "../bench/clock.ts";
import { percentile } from "../bench/percentile.ts";
import { steadily } from "../bench/schedule.ts";
import type { Client, Room } from "../src/client/client.ts";
import type { Context } from "./command.ts";
import { Unreachable } from "./failure.ts";
import { open } from "./session.ts";

export interface Heard {
  readonly published: number;
  readonly refused: number;
  /** Why the first one was. */
  readonly why: string | null;
  readonly delivered: number;
  readonly missing: number;
  readonly twice: number;
  readonly tookMs: number;
  readonly ackMs: Latency;
  readonly deliveryMs: Latency;
}

interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Opened at once. */
const together = 20;
const seatMs = 15_000;
/** When nothing more has come for so long, the rest is missing. */
const silenceMs = 5_000;

export class Audience {
  readonly #room: string;
  readonly #context: Context;
  readonly #clients: Client[] = [];
  #rooms: readonly Room[] = [];
  #hasLeft = false;

  constructor(room: string, context: Context) {
    this.#room = room;
    this.#context = context;
  }

  /** Whatever becomes of it, call `leave`: those who are in keep the process alive. */
  async seat(sockets: number): Promise<void> {
    const wish = { room: this.#room, rights: ["read", "publish"] as const };
    for (let from = 0; from < sockets && !this.#hasLeft; from += together) {
      const users = Array.from({ length: Math.min(together, sockets - from) }, (_, index) => `bench-${from + index}`);
      this.#clients.push(...(await Promise.all(users.map((user) => open({ ...wish, user }, this.#context)))));
    }
    if (this.#hasLeft) return this.leave();
    const options = { backlog: 0, presence: "none", keep: 10 } as const;
    this.#rooms = this.#clients.map((client) => client.room(this.#room, options));
    await Promise.all(this.#rooms.map(entered));
  }

  /** Publishes, and waits until all of it has come to everyone, or nothing more comes. */
  async hear(perSecond: number, seconds: number): Promise<Heard> {
    const count = perSecond * seconds;
    const copies = this.#rooms.map(() => new Uint8Array(count));
    const deliveryUs: number[] = [];
    let lastUs = nowUs();
    this.#rooms.forEach((room, reader) =>
      room.on("message", ({ text }) => {
        const [number = 0, sentUs = 0] = (text ?? "").split(" ").map(Number);
        lastUs = nowUs();
        deliveryUs.push(lastUs - sentUs);
        const own = copies[reader];
        if (own?.[number] !== undefined) own[number]++;
      }),
    );
    const startUs = nowUs();
    const asked: Promise<number | Error>[] = [];
    await steadily({ startUs, from: 0, to: count, perSecond }, (number) => asked.push(this.#publish(number)));
    const answers = await Promise.all(asked);
    const tookMs = (nowUs() - startUs) / 1_000;
    const expected = answers.flatMap((answer, number) => (typeof answer === "number" ? [number] : []));
    while (deliveryUs.length < expected.length * copies.length && nowUs() < lastUs + silenceMs * 1_000) await delay(20);
    const ackUs = answers.filter((answer) => typeof answer === "number");
    const refusals = answers.filter((answer) => typeof answer !== "number");
    return {
      published: expected.length,
      refused: refusals.length,
      why: refusals[0]?.message ?? null,
      delivered: deliveryUs.length,
      missing: copies.reduce((sum, own) => sum + expected.filter((number) => own[number] === 0).length, 0),
      twice: copies.reduce((sum, own) => sum + own.filter((copy) => copy > 1).length, 0),
      tookMs,
      ackMs: latencyOf(ackUs),
      deliveryMs: latencyOf(deliveryUs),
    };
  }

  leave(): void {
    this.#hasLeft = true;
    for (const client of this.#clients) client.close();
  }

  /** How long its ack took, in microseconds, or why there is none. */
  async #publish(number: number): Promise<number | Error> {
    const sentUs = nowUs();
    try {
      await this.#rooms[number % this.#rooms.length]?.publish({ text: `${number} ${sentUs}` });
      return nowUs() - sentUs;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}

function entered(room: Room): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Unreachable("The room is not entered in time.")), seatMs);
    timer.unref();
    room.subscribe(({ status, error }) => {
      if (status === "failed") reject(error);
      if (status === "failed" || status === "live") clearTimeout(timer);
      if (status === "live") resolve();
    });
  });
}

function latencyOf(spansUs: number[]): Latency {
  const ascending = Float64Array.from(spansUs).sort();
  const at = (share: number): number => percentile(ascending, share) / 1_000;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
