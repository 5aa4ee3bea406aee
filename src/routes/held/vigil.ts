/** Whether the credential of a connection of many rooms still holds: looked at with each beat, when a room says that it is over, and where there is no room, when there are news. */
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, refusals } from "../../protocol/refusals.ts";

export interface VigilOptions {
  /** Whether the credential still opens a connection at all; `at once`: as its tenant sees it now. Never throws. */
  readonly recheck: (when?: "at once") => Promise<Refusal | null>;
  /** Whether its tenant has decided anything since that was last looked at: cheap to ask. Never throws. */
  readonly hasNews: () => Promise<boolean>;
  /** The credential is over. */
  readonly onOver: (refused: Refusal) => void;
}

export class Vigil {
  readonly #options: VigilOptions;
  #awaitingNews: ReturnType<typeof setInterval> | null = null;
  #isLooking = false;
  #mustLookAgain = false;
  #isReleased = false;

  constructor(options: VigilOptions) {
    this.#options = options;
  }

  /** A room says at once what is over; where there is none, nobody does. To be called whenever there is one more or one less. */
  keep(rooms: number): void {
    if (rooms === 0 && !this.#isReleased) {
      this.#awaitingNews ??= setInterval(() => void this.#lookForNews(), fixedLimits.lookMs);
    } else {
      clearInterval(this.#awaitingNews);
      this.#awaitingNews = null;
    }
  }

  /** One look at a time, however many rooms say that something is over: what they say meanwhile takes one more. */
  async look(when?: "at once"): Promise<void> {
    this.#mustLookAgain ||= this.#isLooking && when === "at once";
    if (this.#isLooking) return;
    this.#isLooking = true;
    const refused = await this.#options.recheck(when);
    this.#isLooking = false;
    if (refused !== null && refusals[refused.error].close !== null) return this.#options.onOver(refused);
    if (!this.#mustLookAgain || this.#isReleased) return;
    this.#mustLookAgain = false;
    await this.look("at once");
  }

  /** The connection is over. */
  release(): void {
    this.#isReleased = true;
    this.keep(0);
  }

  async #lookForNews(): Promise<void> {
    if (await this.#options.hasNews()) await this.look();
  }
}
