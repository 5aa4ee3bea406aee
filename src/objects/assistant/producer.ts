/** Brings a text into its room as it comes: one append at a time, and the next one with all that has come meanwhile. */
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, refusals } from "../../protocol/refusals.ts";

type Append = (piece: {
  readonly at: number;
  readonly text: string;
}) => Promise<{ readonly ok: true; readonly at: number } | Refusal>;

export interface ProducerOptions {
  readonly append: Append;
  /** What still comes is for nobody. */
  readonly onOver: () => void;
}

/** What is said in one append, in UTF-16 units: as much as a message of a user. */
const pieceUnits = 8_192;
/** From one append to the next: the room gathers what it tells for as long. */
const gatherMs = 40;
const soonMs = 500;
/** One after the other: then whoever refuses means it. */
const refusalsMax = 30;

/** `all`: the room has it. `ended`: the message has, whoever did it. `refused`: the room takes no more of it. */
export type Produced = "all" | "ended" | "refused";

export class Producer {
  readonly #options: ProducerOptions;
  #text = "";
  /** The first half of a character of two units, of which the second has not come. */
  #half = "";
  /** Of the text, how much the room has. */
  #sent = 0;
  #refusals = 0;
  #isClosed = false;
  #over: "ended" | "refused" | null = null;
  #wake: () => void = () => undefined;

  constructor(options: ProducerOptions) {
    this.#options = options;
  }

  /** In UTF-16 units. */
  get length(): number {
    return this.#text.length;
  }

  /** What is no text, half characters, becomes a sign for it: no reader could take it. */
  add(more: string): void {
    const text = this.#half + more;
    this.#half = /[\uD800-\uDBFF]$/.exec(text)?.[0] ?? "";
    this.#text += text.slice(0, text.length - this.#half.length).toWellFormed();
    this.#wake();
  }

  /** Nothing more comes. */
  close(): void {
    this.#text += this.#half.toWellFormed();
    this.#half = "";
    this.#isClosed = true;
    this.#wake();
  }

  /**
   * Until it is closed and the room has all of it, or the message is over. What is empty is appended too, now and then: it says that
   * somebody is there, and hears whether it was cancelled. Throws where the room cannot be asked.
   */
  async run(): Promise<Produced> {
    for (;;) {
      await this.#append();
      if (this.#over !== null) return this.#over;
      const isBehind = this.#sent < this.#text.length;
      if (this.#isClosed && !isBehind) return "all";
      await this.#pause(isBehind ? gatherMs : fixedLimits.assistantPulseMs, !isBehind);
    }
  }

  async #append(): Promise<void> {
    const at = this.#sent;
    const text = pieceOf(this.#text, at);
    const answer = await this.#options.append({ at, text });
    if (answer.ok) {
      this.#sent = at + text.length;
      this.#refusals = 0;
    } else if (answer.error === "stream_offset" && (answer.want ?? Infinity) <= this.#text.length) {
      // Its room has lost what it had in memory only, and says from where on.
      this.#sent = answer.want ?? 0;
    } else if (isPassing(answer) && ++this.#refusals < refusalsMax) {
      await this.#pause(answer.retryAfterMs ?? soonMs, false);
    } else {
      this.#over = ends.has(answer.error) ? "ended" : "refused";
      this.#options.onOver();
    }
  }

  /** `isAlert`: no longer than until something comes, or it is closed. */
  async #pause(ms: number, isAlert: boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      if (isAlert)
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
    });
    this.#wake = () => undefined;
  }
}

const ends: ReadonlySet<string> = new Set(["stream_closed", "stream_cancelled", "not_found", "room_deleted"]);

/** Who is muted, or speaks in a frozen room, is not heard to the end; nor whoever would have to wait until the lease has ended it. */
function isPassing({ error, retryAfterMs = 0 }: Refusal): boolean {
  const isOpen = refusals[error].retry !== "no" && error !== "muted" && error !== "room_frozen";
  return isOpen && retryAfterMs < fixedLimits.streamLeaseMs;
}

/** No half of a character of two units. */
function pieceOf(text: string, at: number): string {
  const piece = text.slice(at, at + pieceUnits);
  return /[\uD800-\uDBFF]$/.test(piece) ? piece.slice(0, -1) : piece;
}
