/** How long to wait before the next attempt. Pure: chance comes in as a number from 0 to 1. */

/** Of the first wait at most; each further one may be twice as long. */
const firstMs = 1_000;
const longestMs = 30_000;

/** Full jitter: anything between nothing and the bound, so that those who failed together do not come back together. */
export function backoffMs(attempt: number, chance: number): number {
  return chance * Math.min(longestMs, firstMs * 2 ** Math.min(attempt - 1, 16));
}

export interface Pause {
  /** Attempts since a connection held: 0 where one had. */
  readonly failures: number;
  readonly instruction: "now" | "backoff";
  /** What the server has asked for, at the least. */
  readonly retryAfterMs: number;
  /** Over how long the server wants those who come back at once to spread. */
  readonly jitterMs: number;
  readonly chance: number;
}

/** A server's `retryAfterMs` is the same for many, so jitter comes on top of it. */
export function pauseMs({ failures, instruction, retryAfterMs, jitterMs, chance }: Pause): number {
  if (instruction === "now" && failures === 0) return retryAfterMs + chance * jitterMs;
  return retryAfterMs + backoffMs(Math.max(1, failures), chance);
}
