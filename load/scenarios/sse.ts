/**
 * Two readers of a room's event stream: one stays, the other is ended and cut again and again and goes on by `Last-Event-ID`. A
 * place is a room. Where the ground hears streams as they come, events must come while their stream is open, and how late is
 * told; where it hears them once they have ended, all else is looked at, and nothing is cut.
 */
import { call, stateOf, tokenOf } from "./call.ts";
import { EventReader } from "./eventReader.ts";
import { delay, type Ground, isOver, roomOf, type Scenario } from "./ground.ts";
import { held, heldLive } from "./thresholds.ts";

const messages = 5;
/** Three times as many messages as that in each turn, and a user may say ten a second. */
const turnMs = 2_000;
const lookMs = 50;
const lookForMs = 60_000;

export const sse: Scenario = {
  sizes: { users: 10, perPlace: 1, seconds: 60 },
  thresholds: { ...held, parley_heard: ["count>0"], parley_resumed: ["count>0"] },
  asItComes: {
    parley_heard_ms: heldLive.parley_heard_ms,
    parley_beat_ms: ["max<20000"],
    parley_resumed_after_cut: ["count>0"],
  },
  play,
};

async function play(ground: Ground): Promise<void> {
  const stage = await Stage.set(ground);
  // Who has come back has been there before.
  for (let turn = 0; turn < 2 || !isOver(ground); turn++) {
    // Some of it is said while only one of them listens.
    await stage.say();
    if (ground.hearsAsItComes) await stage.cutInTheMiddle();
    await stage.endAfterwards();
    await delay(ground, turnMs * (0.75 + Math.random() / 2));
  }
  await stage.clear();
}

class Stage {
  readonly #ground: Ground;
  readonly #room: string;
  readonly #staying: EventReader;
  readonly #restless: EventReader;
  #said = 0;

  private constructor(ground: Ground, room: string, staying: EventReader, restless: EventReader) {
    this.#ground = ground;
    this.#room = room;
    this.#staying = staying;
    this.#restless = restless;
  }

  static async set(ground: Ground): Promise<Stage> {
    const room = `${roomOf(ground, "sse")}-${ground.place}`;
    const reader = async (user: string): Promise<EventReader> =>
      new EventReader(ground, { room, user, token: await tokenOf(ground, user) });
    const stage = new Stage(ground, room, await reader(`s_${ground.place}`), await reader(`u_${ground.place}`));
    // There is no room before somebody has said something.
    await stage.say();
    await stage.#enter(stage.#staying);
    return stage;
  }

  async say(): Promise<void> {
    const path = `/v1/rooms/${this.#room}/messages`;
    for (let count = 0; count < messages; count++, this.#said++)
      await call(this.#ground, { method: "POST", path, body: { text: `${Date.now()} to a stream` } });
  }

  async cutInTheMiddle(): Promise<void> {
    await this.#enter(this.#restless);
    const last = this.#said + 1 + Math.floor(Math.random() * (messages - 1));
    const saying = this.say();
    await this.#comes(this.#restless, last);
    this.#restless.cut();
    await saying;
  }

  async endAfterwards(): Promise<void> {
    await this.#enter(this.#restless);
    await this.say();
    if (this.#ground.hearsAsItComes)
      for (const reader of [this.#restless, this.#staying]) await this.#comes(reader, this.#said);
    await this.#end(this.#restless);
  }

  async clear(): Promise<void> {
    await this.#end(this.#staying);
    for (const { heard } of [this.#restless, this.#staying]) this.#ground.add("parley_missing", this.#said - heard);
  }

  async #enter(reader: EventReader): Promise<void> {
    reader.open();
    const isIn = this.#ground.hearsAsItComes
      ? await reader.until(() => reader.isWelcome || !reader.isOpen)
      : await this.#untilOnline(reader === this.#staying ? 1 : 2);
    if (!isIn || !reader.isOpen) throw new Error(`${reader.user} was not let in`);
  }

  async #comes(reader: EventReader, seq: number): Promise<void> {
    const hasCome = await reader.until(() => reader.at >= seq || !reader.isOpen);
    this.#ground.check("an event comes while its stream is open", hasCome && reader.at >= seq && reader.isOpen);
  }

  async #end(reader: EventReader): Promise<void> {
    const body = { user: reader.user, reason: "enough for now" };
    await call(this.#ground, { method: "POST", path: `/v1/rooms/${this.#room}/kicks`, body });
    const isEnded = await reader.until(() => !reader.isOpen);
    this.#ground.check("a stream that is ended has told everything", isEnded && reader.at === this.#said);
    if (reader === this.#restless) await this.#untilOnline(1);
  }

  async #untilOnline(online: number): Promise<boolean> {
    for (const sinceMs = Date.now(); Date.now() < sinceMs + lookForMs; await delay(this.#ground, lookMs))
      if ((await stateOf(this.#ground, this.#room)).online === online) return true;
    return false;
  }
}
