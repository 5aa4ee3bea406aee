/** For how long the Worker holds a connection: CPU time and subrequests add up over it and are never given back. */
import { noticeAtMs, overAtMs } from "../../core/validity.ts";
import { leavePlace } from "../../objects/room/connections.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { RefusalCode } from "../../protocol/refusals.ts";
import type { Ended } from "../../objects/journal.ts";
import type { Life } from "./life.ts";
import type { TokenFrame } from "../../protocol/serverFrames.ts";

export interface TenureOptions {
  /** The place that it holds among the connections of this process. */
  readonly connection: string;
  /** Writes down what becomes of it. */
  readonly life: Life;
  /** When its token ends; null for an API key. */
  readonly expiresAtMs: number | null;
  readonly nowMs: number;
  /** From 0 to 1: those that began together must not end together. */
  readonly chance: number;
  /** Every `fixedLimits.heartbeatMs`. */
  readonly onBeat: () => void;
  /** Its token ends soon. Once for each token. */
  readonly onExpiring: (frame: TokenFrame) => void;
  /** Called once, when it must end. */
  readonly onEnd: (error: RefusalCode, reason?: string) => void;
}

const retired = "This connection has served its time: come back and resume.";

export class Tenure {
  readonly #options: TenureOptions;
  readonly #beating: ReturnType<typeof setInterval>;
  readonly #retiring: ReturnType<typeof setTimeout>;
  #notifying: ReturnType<typeof setTimeout> | null = null;
  #expiring: ReturnType<typeof setTimeout> | null = null;
  #frames = 0;
  #joins = 0;
  #over = false;

  constructor(options: TenureOptions) {
    const { expiresAtMs, nowMs, chance, onBeat } = options;
    this.#options = options;
    this.#beating = setInterval(onBeat, fixedLimits.heartbeatMs);
    const tenureMs = fixedLimits.heldMsMax * (0.9 + chance / 10);
    this.#retiring = setTimeout(() => this.#end("restarting", retired), tenureMs);
    this.#watchToken(expiresAtMs, nowMs);
  }

  countFrames(count: number): void {
    this.#frames += count;
    if (this.#frames >= fixedLimits.heldFramesMax) this.#end("restarting", retired);
  }

  countJoin(): void {
    this.#joins += 1;
    if (this.#joins >= fixedLimits.heldJoinsMax) this.#end("restarting", retired);
  }

  /** It has a new token, and lives as long as that. */
  extend(expiresAtMs: number, nowMs: number): void {
    if (!this.#over) this.#watchToken(expiresAtMs, nowMs);
  }

  /** Must be called however the connection ends. */
  release(ended: Ended): void {
    if (!this.#over) this.#options.life.end(ended, Date.now());
    this.#over = true;
    clearInterval(this.#beating);
    for (const timer of [this.#retiring, this.#notifying, this.#expiring]) clearTimeout(timer);
    leavePlace(this.#options.connection);
  }

  #watchToken(expiresAtMs: number | null, nowMs: number): void {
    for (const timer of [this.#notifying, this.#expiring]) clearTimeout(timer);
    // What comes after it has been retired needs no timer, and is more than one can hold, perhaps.
    if (expiresAtMs === null || expiresAtMs - nowMs > fixedLimits.heldMsMax + fixedLimits.tokenNoticeMs) return;
    const notify = (): void => this.#options.onExpiring({ type: "token", expiresAt: expiresAtMs, expiring: true });
    this.#notifying = setTimeout(notify, Math.max(0, noticeAtMs(expiresAtMs, nowMs) - nowMs));
    this.#expiring = setTimeout(() => this.#end("token_expired"), Math.max(0, overAtMs(expiresAtMs) - nowMs));
  }

  #end(error: RefusalCode, reason?: string): void {
    if (!this.#over) this.#options.onEnd(error, reason);
  }
}
