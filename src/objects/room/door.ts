/**
 * The room's door, as its tenant knows it. While it is open, anybody may come in, and the tenant tells the room whatever it
 * decides. When all is quiet the room shuts it and says who is within: then it is told, and woken for, only what may concern
 * them. So nobody comes in, nor stays by another credential, before the tenant has heard that the door is open again.
 */
import { namesOf } from "../../core/concern.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { Issued } from "../../protocol/revocation.ts";
import type { Statement } from "../account.ts";

/** So long what the tenant has told goes for whoever calls while the door is shut: less than a push may take. */
const heardForMs = 250;

export class Door {
  readonly #within: () => Iterable<Pick<Issued, "user" | "token" | "key">>;
  readonly #onOpened: () => void;
  /** Not known after a loss of memory, and then it is as if it were shut: opening it twice does no harm. */
  #isOpen = false;
  readonly #entering = new Set<string>();
  #heardAtMs = -Infinity;
  #saidAtMs = 0;

  /** `onOpened` is to book when it is shut again. */
  constructor(within: () => Iterable<Pick<Issued, "user" | "token" | "key">>, onOpened: () => void) {
    this.#within = within;
    this.#onOpened = onOpened;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** To be called in the step that has found it open. It is not shut until this one has `entered`, or was refused. */
  enter(connection: string): void {
    this.#entering.add(connection);
  }

  entered(connection: string): void {
    this.#entering.delete(connection);
  }

  /** What the tenant is told with a question: `shut` stays open while somebody is on the threshold, or too many are within. */
  say(what: "open" | "shut" | "same", nowMs: number): Pick<Statement, "door" | "saidAtMs"> {
    // A call that was lost may arrive after the next one.
    this.#saidAtMs = Math.max(nowMs, this.#saidAtMs + 1);
    const shut = what === "shut" && this.#entering.size === 0;
    const names = shut ? namesOf(this.#within(), fixedLimits.namesTold) : null;
    // At once: who comes while the tenant is being told must open it.
    if (names !== null) this.#isOpen = false;
    return { door: what === "same" ? what : (names ?? "open"), saidAtMs: this.#saidAtMs };
  }

  /** The tenant has answered what was said. */
  answered({ door }: Pick<Statement, "door">, nowMs: number): void {
    this.heard(nowMs);
    if (door !== "open" || this.#isOpen) return;
    this.#isOpen = true;
    this.#onOpened();
  }

  /** The tenant has told its newest decision. */
  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
  }

  /** Whether whatever the tenant decides is known here, for now. */
  hasHeard(nowMs: number): boolean {
    const sinceMs = nowMs - this.#heardAtMs;
    return this.#isOpen || (sinceMs >= 0 && sinceMs < heardForMs);
  }
}
