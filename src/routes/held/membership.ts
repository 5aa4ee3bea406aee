/** One room of a connection of many: being entered, entered, or over. */
import type { Letter } from "../../protocol/addressed.ts";
import type { JoinFrame } from "../../protocol/clientFrames.ts";
import type { Offences } from "../../core/closing.ts";
import { errorFrame } from "../../protocol/farewell.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import { sessionFrame } from "../../protocol/relay.ts";
import type { Session } from "../../protocol/session.ts";
import type { ServerFrame } from "../../protocol/serverFrames.ts";
import type { Entered } from "../entrance.ts";
import { type Ending, endingIn } from "./ending.ts";
import { Feed } from "./feed.ts";
import { typeOf } from "./line.ts";

export interface MembershipEvents {
  /** Frames of the room, to be passed on. */
  readonly onLines: (room: string, lines: readonly string[]) => void;
  readonly onFrame: (room: string, frame: ServerFrame) => void;
  /** The room has closed for what is over with the credential: whether that ends the whole connection. */
  readonly onEnding: (room: string, ending: Ending) => boolean;
  /** The room was not entered, or has closed: it can be joined anew. */
  readonly onOver: (membership: Membership, how: "refused" | "farewell" | "lost") => void;
}

export class Membership {
  readonly room: string;
  offences: Offences = [];
  /** Settles when the room has heard that the client left, or never let it in. */
  readonly ended: Promise<void>;
  readonly #join: JoinFrame;
  readonly #events: MembershipEvents;
  readonly #end: () => void;
  #state: "entering" | "leaving" | "in" | "over" = "entering";
  #feed: Feed | null = null;
  /** What was said to the room before it was entered. */
  #waiting: Letter[] = [];
  #waitingUnits = 0;
  #renewed: Session | null = null;

  constructor(join: JoinFrame, events: MembershipEvents) {
    this.room = join.room;
    this.#join = join;
    this.#events = events;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
  }

  /** False when it was left before its turn came and nothing was said to the room. */
  get isWanted(): boolean {
    return this.#state === "entering" || (this.#state === "leaving" && this.#waiting.length > 0);
  }

  entered(entered: Entered): void {
    if (!entered.ok) return this.#refused(entered);
    this.#feed = new Feed(entered.socket, {
      onLines: (lines) => this.#pass(lines),
      onEnd: () => this.#lost(),
      onClosed: this.#end,
    });
    if (this.#state === "entering") {
      this.#state = "in";
      this.#acknowledge(this.#join.ref);
    }
    if (this.#renewed !== null) this.#feed.send(sessionFrame(this.#renewed));
    for (const { json } of this.#waiting.splice(0)) this.#feed.send(json);
    if (this.#state !== "in") this.#feed.close();
  }

  /** Null when the room has it, or will have it when it is entered. */
  say(letter: Letter): Refusal | null {
    if (this.#feed !== null) this.#feed.send(letter.json);
    else if (
      this.#waiting.length < fixedLimits.framesWhileJoining &&
      this.#waitingUnits + letter.json.length <= fixedLimits.waitingBytesMax
    ) {
      this.#waiting.push(letter);
      this.#waitingUnits += letter.json.length;
    } else return refuse("overloaded", "The room is still being joined.", { retryAfterMs: 1_000 });
    return null;
  }

  /** The client has a new token: what it is in this room from now on. */
  renew(session: Session): void {
    if (this.#feed !== null) this.#feed.send(sessionFrame(session));
    // It is being entered by the old one.
    else this.#renewed = session;
  }

  /** Nothing more of the room is passed on. What was said to it before, it still hears. */
  leave(): void {
    if (this.#state === "entering") {
      this.#acknowledge(this.#join.ref);
      this.#state = "leaving";
    } else if (this.#state === "in") this.#close();
  }

  /** The client is gone, and with it what it had to say. */
  abandon(): void {
    this.#waiting = [];
    if (this.#state === "entering") this.#state = "leaving";
    else if (this.#state === "in") this.#close();
  }

  /** It was left before its turn came. */
  forgo(): void {
    this.#state = "over";
    this.#end();
  }

  ping(): void {
    this.#feed?.ping();
  }

  #refused(refusal: Refusal): void {
    const answered = this.#state === "entering";
    this.forgo();
    if (answered) {
      this.#events.onOver(this, "refused");
      this.#events.onFrame(this.room, errorFrame(refusal, this.#join.ref));
    }
    for (const { ref } of this.#waiting.splice(0)) this.#events.onFrame(this.room, errorFrame(refusal, ref));
  }

  #pass(lines: readonly string[]): void {
    if (this.#state !== "in") return;
    const ending = endingIn(lines);
    if (ending !== null && this.#events.onEnding(this.room, ending)) return;
    this.#events.onLines(this.room, lines);
    if (!lines.some((line) => typeOf(line) === "closing")) return;
    this.#close();
    this.#events.onOver(this, "farewell");
  }

  #lost(): void {
    if (this.#state !== "in") return;
    this.#state = "over";
    this.#events.onOver(this, "lost");
  }

  #close(): void {
    this.#state = "over";
    this.#feed?.close();
  }

  #acknowledge(ref: string | undefined): void {
    if (ref !== undefined) this.#events.onFrame(this.room, { type: "ack", ref });
  }
}
