/**
 * Whoever answers in one room: it keeps the questions until they are answered, so that the room need not be awake for longer than it is
 * told something. What it holds besides is memory, and it goes when nothing is left to answer.
 */
import { DurableObject } from "cloudflare:workers";
import { fixedLimits } from "../../protocol/limits.ts";
import { Alarms, alarmsMigration } from "../alarms.ts";
import { isUntouched, migrate, type Migration } from "../migrate.ts";
import { parseRoomObjectName, type RoomBindings, roomStub, tenantStub } from "../stubs.ts";
import { answer } from "./answer.ts";
import { type Asked, AskedQuestions, askedMigration, tooOftenMigration, type Question } from "./asked.ts";
import { speak } from "./model.ts";

const migrations: readonly Migration[] = [alarmsMigration, askedMigration, tooOftenMigration];
/** When nothing is left of one that answers nothing. */
const goneAfterMs = 60_000;

export class Assistant extends DurableObject<RoomBindings & Cloudflare.Env> {
  readonly #alarms: Alarms<"answer" | "go">;
  readonly #asked: AskedQuestions;
  readonly #underway = new Set<number>();

  constructor(ctx: DurableObjectState, env: RoomBindings & Cloudflare.Env) {
    super(ctx, env);
    this.#alarms = new Alarms(ctx.storage);
    this.#asked = new AskedQuestions(ctx.storage);
    if (this.#isThere) migrate(ctx.storage, migrations);
  }

  /** From its room. Taken when it returns. */
  ask(questions: readonly Question[]): void {
    const { storage } = this.ctx;
    migrate(storage, migrations);
    storage.transactionSync(() => {
      for (const question of questions) this.#asked.add(question, Date.now());
    });
    this.#go();
  }

  override async alarm(): Promise<void> {
    // One that rang while everything was erased.
    if (!this.#isThere) return;
    await this.#alarms.run(Date.now(), {
      answer: () => this.#go(),
      go: () => {
        if (this.#asked.count > 0) return;
        void this.ctx.storage.deleteAll();
        this.#alarms.forget();
      },
    });
  }

  /** Begins what may be begun. The alarm looks after all of it: the memory of what is under way may be lost. */
  #go(): void {
    const nowMs = Date.now();
    const places = fixedLimits.assistantAnswers - this.#underway.size;
    const free = this.#asked.due(nowMs).filter((number) => !this.#underway.has(number));
    for (const number of free.slice(0, Math.max(0, places))) {
      this.#underway.add(number);
      this.ctx.waitUntil(this.#answer(this.#asked.begin(number)));
    }
    const { dueMs } = this.#asked;
    if (dueMs === null) this.#alarms.schedule("go", nowMs + goneAfterMs);
    else this.#alarms.schedule("answer", dueMs > nowMs ? dueMs : nowMs + fixedLimits.assistantWatchMs);
  }

  /** Never throws. */
  async #answer(asked: Asked): Promise<void> {
    const { tenant, room } = parseRoomObjectName(this.#name);
    const { number } = asked;
    try {
      const againMs = await answer(
        {
          room: roomStub(this.env, tenant, room),
          engage: () => tenantStub(this.env, tenant).engagement(asked.assistant),
          speak: (talk) => speak(this.env, tenant, talk),
        },
        asked,
      );
      if (againMs === null) this.#asked.end(number);
      else this.#asked.postpone(number, againMs);
    } catch (error) {
      // Its room or its tenant could not be asked. Who it was that asked, and what, is not said.
      console.error("an answer was given up for now", String(error));
      this.#asked.postpone(number, Date.now() + fixedLimits.assistantWatchMs);
    } finally {
      this.#underway.delete(number);
      this.#go();
    }
  }

  get #isThere(): boolean {
    return !isUntouched(this.ctx.storage);
  }

  get #name(): string {
    const { name } = this.ctx.id;
    if (name === undefined) throw new Error("whoever answers is addressed by the room's name");
    return name;
  }
}
