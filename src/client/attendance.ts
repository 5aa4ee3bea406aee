/** Being in a room: joined, thrown out, coming back, left. The connection's own comings and goings are told to it. */
import { pauseMs } from "./backoff.ts";
import type { Copy } from "./copy.ts";
import { errorOf, instructionOf, type Instruction } from "./ending.ts";
import { fromFrame, type ParleyError } from "./error.ts";
import type { Addressed, Link, Wish } from "./link.ts";

/**
 * - `idle`: nobody listens.
 * - `joining`: the room is being entered, or the connection is.
 * - `live`: everything is held, and what comes is told.
 * - `waiting`: it is entered again in a while, see the error.
 * - `failed`: the server lets nobody in; subscribing anew tries again.
 */
export type RoomStatus = "idle" | "joining" | "live" | "waiting" | "failed";

export interface AttendanceOptions extends Pick<Wish, "room" | "backlog" | "presence"> {
  readonly copy: Copy;
  readonly link: () => Link | null;
  readonly chance: () => number;
  readonly onStatus: (status: RoomStatus) => void;
}

const jitterMs = 2_000;
let refs = 0;

/** Unique among all that this client asks, and no longer than a ref may be. */
export function newRef(): string {
  return `r${++refs}`;
}

export class Attendance {
  status: RoomStatus = "idle";
  error: ParleyError | null = null;
  readonly #options: AttendanceOptions;
  #isWanted = false;
  #joinRef: string | null = null;
  /** While it is there, frames are of the time before: nothing of the room comes after its answer. */
  #leaveRef: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  /** It failed with the connection, and comes back with it. */
  #isCut = false;
  #resyncedAt: string | null = null;

  constructor(options: AttendanceOptions) {
    this.#options = options;
  }

  enter(): void {
    this.#isWanted = true;
    this.#failures = 0;
    this.#enterStatus("joining");
    this.#join();
  }

  exit(): void {
    this.#isWanted = false;
    clearTimeout(this.#timer);
    if (this.#joinRef !== null) this.#leave();
    this.#enterStatus("idle");
  }

  /** The connection is open: a new one, which knows nothing of the room. */
  connected(): void {
    if (this.#isWanted && this.status !== "failed") this.#join();
  }

  /** The connection is gone. */
  disconnected(): void {
    clearTimeout(this.#timer);
    this.#joinRef = null;
    this.#leaveRef = null;
    if (this.status === "live" || this.status === "waiting" || this.#isCut) this.#enterStatus("joining");
    this.#isCut = false;
  }

  /** The connection will not come back by itself. */
  failed(error: ParleyError): void {
    this.disconnected();
    if (!this.#isWanted || this.status === "failed") return;
    this.#over(error, "never");
    this.#isCut = true;
  }

  /** False when the frame is not for anybody else any more. */
  receive(frame: Addressed): boolean {
    const ref = "ref" in frame ? frame.ref : undefined;
    if (this.#leaveRef !== null) {
      if (ref === this.#leaveRef) this.#left();
      return false;
    }
    if (this.#joinRef === null) return false;
    if (frame.type === "error" && ref === this.#joinRef) {
      this.#joinRef = null;
      this.#over(fromFrame(frame), frame.retryable ? "backoff" : "never");
      return false;
    }
    if (frame.type === "closing") {
      this.#joinRef = null;
      const ending = { code: frame.code, closing: frame };
      this.#over(errorOf(ending), instructionOf(ending));
      return false;
    }
    return true;
  }

  /** After a frame: whether all is held by now. */
  look(): void {
    if (!this.#isWanted || this.status === "live" || !this.#options.copy.isWhole || this.#joinRef === null) return;
    this.#failures = 0;
    this.#enterStatus("live");
  }

  /** Something is missing: the room is entered anew with the cursor, at once if the last time has brought anything. */
  resync(): void {
    if (this.#joinRef === null) return;
    const { cursor } = this.#options.copy;
    const isInVain = cursor === this.#resyncedAt;
    this.#resyncedAt = cursor;
    this.#failures = isInVain ? this.#failures + 1 : 0;
    this.#leave();
    this.#enterStatus("joining");
  }

  #join(): void {
    clearTimeout(this.#timer);
    const link = this.#options.link();
    if (link === null || this.#leaveRef !== null || this.#joinRef !== null) return;
    const { room, backlog, presence, copy } = this.#options;
    copy.opened();
    this.#joinRef = newRef();
    link.join(room, () => ({ room, cursor: copy.cursor, backlog, presence }), this.#joinRef);
  }

  #leave(): void {
    this.#joinRef = null;
    const link = this.#options.link();
    if (link === null) return;
    this.#leaveRef = newRef();
    link.leave(this.#options.room, this.#leaveRef);
  }

  #left(): void {
    this.#leaveRef = null;
    if (!this.#isWanted) return;
    if (this.#failures === 0) this.#join();
    else this.#later("backoff", 0);
  }

  #over(error: ParleyError, instruction: Instruction): void {
    this.error = error;
    clearTimeout(this.#timer);
    if (instruction === "never") {
      this.#joinRef = null;
      return this.#enterStatus("failed");
    }
    this.#failures++;
    this.#enterStatus("waiting");
    this.#later(instruction, error.retryAfterMs ?? 0);
  }

  #later(instruction: "now" | "backoff", retryAfterMs: number): void {
    const failures = instruction === "now" ? this.#failures - 1 : this.#failures;
    const waitMs = pauseMs({ failures, instruction, retryAfterMs, jitterMs, chance: this.#options.chance() });
    this.#timer = setTimeout(() => this.#join(), waitMs);
  }

  #enterStatus(status: RoomStatus): void {
    if (status === this.status) return;
    this.status = status;
    if (status !== "waiting" && status !== "failed") this.error = null;
    this.#options.onStatus(status);
  }
}
