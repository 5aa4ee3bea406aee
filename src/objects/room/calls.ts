/** How a caller comes to what he asks of the room: let in or refused, and a change of his stored before he is answered. */
import type { Capability } from "../../protocol/capabilities.ts";
import type { Refusal } from "../../protocol/refusals.ts";
import { noteExceeded } from "./exceeded.ts";
import { type Caller, open, openOrMake, renew } from "./existence.ts";
import type { RoomParts } from "./parts.ts";
import type { Admitted, Outcome } from "./queue.ts";
import { lacks } from "./standing.ts";
import type { Turn } from "./turn.ts";

export type Answer<T> = ({ readonly ok: true } & T) | Refusal;

/** What is done when the caller is in. */
type Act<Done> = (parts: RoomParts, nowMs: number) => Done;

export class Calls {
  readonly #parts: RoomParts;
  readonly #turn: Turn;

  constructor(parts: RoomParts, turn: Turn) {
    this.#parts = parts;
    this.#turn = turn;
  }

  /** For whoever may come in. */
  async within<T>(caller: Caller, act: Act<Answer<T> | Promise<Answer<T>>>): Promise<Answer<T>> {
    return (await this.#open(caller)) ?? act(this.#parts, Date.now());
  }

  /** For whoever may read, too. */
  async reading<T>(caller: Caller, read: Act<Answer<T>>): Promise<Answer<T>> {
    const refused = (await this.#open(caller)) ?? lacks(this.#parts, caller.session, "read");
    return refused ?? read(this.#parts, Date.now());
  }

  /** Null where the caller may come in. The room comes to be by it, unless what it is for is `unfit` in any room. */
  async entering(caller: Caller, unfit: Act<Refusal | null>, taking?: Capability): Promise<Refusal | null> {
    const refused = this.#parts.store.room === null ? unfit(this.#parts, Date.now()) : null;
    return refused ?? (await renew(this.#parts, caller)) ?? openOrMake(this.#parts, caller, taking);
  }

  /** Resolves when it is stored. */
  async changing(caller: Caller, admit: Act<Admitted>): Promise<Outcome> {
    const { session } = caller;
    const outcome = (await this.#open(caller)) ?? (await this.#turn.settled(admit(this.#parts, Date.now()), session));
    if (!outcome.ok) noteExceeded(this.#parts, session, outcome, Date.now());
    return outcome;
  }

  /** Sockets may be closed by it. */
  async judging(caller: Caller, judge: Act<Answer<object>>): Promise<Answer<object>> {
    const done = await this.within(caller, judge);
    this.#turn.scheduleReport();
    this.#turn.settle(Date.now());
    return done;
  }

  async #open(caller: Caller): Promise<Refusal | null> {
    this.#turn.stayed(Date.now());
    return (await renew(this.#parts, caller)) ?? open(this.#parts, caller);
  }
}
