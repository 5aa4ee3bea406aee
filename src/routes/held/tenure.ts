/** For how long the Worker holds a connection: CPU time and subrequests add up over it and are never given back. */
import { leavePlace } from "../../objects/room/connections.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { RefusalCode } from "../../protocol/refusals.ts";

export interface TenureOptions {
  /** The place that it holds among the connections of this process. */
  readonly connection: string;
  /** When its token ends; null for an API key. */
  readonly expiresAtMs: number | null;
  readonly nowMs: number;
  /** From 0 to 1: those that began together must not end together. */
  readonly chance: number;
  /** Every `fixedLimits.heartbeatMs`. */
  readonly onBeat: () => void;
  /** Called once, when it must end. */
  readonly onEnd: (error: RefusalCode, reason?: string) => void;
}

const retired = "This connection has served its time: come back and resume.";

export class Tenure {
  readonly #options: TenureOptions;
  readonly #beating: ReturnType<typeof setInterval>;
  readonly #ending: ReturnType<typeof setTimeout>;
  #frames = 0;
  #joins = 0;
  #over = false;

  constructor(options: TenureOptions) {
    const { expiresAtMs, nowMs, chance, onBeat } = options;
    this.#options = options;
    this.#beating = setInterval(onBeat, fixedLimits.heartbeatMs);
    const expiryMs = expiresAtMs === null ? Infinity : expiresAtMs + fixedLimits.tokenLeewaySeconds * 1_000 - nowMs;
    const tenureMs = fixedLimits.heldMsMax * (0.9 + chance / 10);
    this.#ending =
      expiryMs < tenureMs
        ? setTimeout(() => this.#end("token_expired"), Math.max(0, expiryMs))
        : setTimeout(() => this.#end("restarting", retired), tenureMs);
  }

  countFrames(count: number): void {
    this.#frames += count;
    if (this.#frames >= fixedLimits.heldFramesMax) this.#end("restarting", retired);
  }

  countJoin(): void {
    this.#joins += 1;
    if (this.#joins >= fixedLimits.heldJoinsMax) this.#end("restarting", retired);
  }

  /** Must be called however the connection ends. */
  release(): void {
    this.#over = true;
    clearInterval(this.#beating);
    clearTimeout(this.#ending);
    leavePlace(this.#options.connection);
  }

  #end(error: RefusalCode, reason?: string): void {
    if (!this.#over) this.#options.onEnd(error, reason);
  }
}
