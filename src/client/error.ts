/** Everything that can go wrong, as one kind of error. */
import type { LimitHit, RefusalCode } from "../protocol/refusals.ts";
import type { ErrorFrame } from "../protocol/serverFrames.ts";

/**
 * What the client says by itself:
 * - `network`: the server was not reached, or the connection was lost.
 * - `token_unavailable`: `getToken` failed.
 * - `outbox_full`: too much waits to be sent.
 * - `closed`: the client was closed.
 * - `invalid_data`: the room's schema refuses this `data`.
 */
export type ErrorCode = RefusalCode | "network" | "token_unavailable" | "outbox_full" | "closed" | "invalid_data";

/** What of an error is told beside its code and its text. */
export interface ErrorDetails {
  /** Of HTTP; 0 where no server has answered. */
  readonly status?: number | undefined;
  /** Whether the same may succeed later. */
  readonly retryable?: boolean | undefined;
  readonly retryAfterMs?: number | undefined;
  /** The limit that was hit. */
  readonly limit?: LimitHit | undefined;
  /** Where the text of a stream must go on. */
  readonly want?: number | undefined;
  /** It was sent and never answered: published again with its nonce it is stored once. */
  readonly mayBeStored?: boolean | undefined;
  readonly cause?: unknown;
}

export class ParleyError extends Error {
  override readonly name = "ParleyError";
  declare readonly code: ErrorCode;
  declare readonly status: number;
  declare readonly retryable: boolean;
  declare readonly retryAfterMs: number | undefined;
  declare readonly limit: LimitHit | undefined;
  declare readonly want: number | undefined;
  declare readonly mayBeStored: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.code = code;
    this.status = details.status ?? 0;
    this.retryable = details.retryable ?? false;
    this.retryAfterMs = details.retryAfterMs;
    this.limit = details.limit;
    this.want = details.want;
    this.mayBeStored = details.mayBeStored ?? false;
  }
}

export function fromFrame(frame: Omit<ErrorFrame, "type"> & { readonly want?: number | undefined }): ParleyError {
  return new ParleyError(frame.code, frame.message, frame);
}

export function networkError(message: string, cause?: unknown): ParleyError {
  return new ParleyError("network", message, { retryable: true, cause });
}
