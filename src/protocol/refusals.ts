/** Every no: its HTTP status, its close code, whether to try again, and its text. No zod in here: the SDK imports it. */

/**
 * When the same request can succeed:
 * - `no`: not without a change of the request.
 * - `token`: with a new token.
 * - `later`: after `retryAfterMs`.
 * - `backoff`: with growing pauses.
 * - `now`: reconnect at once and resume.
 */
export type Retry = "no" | "token" | "later" | "backoff" | "now";

interface RefusalRow {
  readonly status: number;
  /** 4400–4499: reconnect. 4500–4599: do not. null: never closes a socket. */
  readonly close: number | null;
  readonly retry: Retry;
  readonly text: string;
}

export const refusals = {
  bad_frame: { status: 400, close: 4500, retry: "no", text: "This is not a frame of the protocol." },
  bad_request: { status: 400, close: 4500, retry: "no", text: "The request cannot be understood." },
  invalid_field: { status: 400, close: 4500, retry: "no", text: "A field has a value that is not allowed." },
  token_missing: { status: 401, close: 4501, retry: "no", text: "A token or an API key is required." },
  token_invalid: { status: 401, close: 4501, retry: "no", text: "The token or API key is not valid." },
  token_expired: { status: 401, close: 4401, retry: "token", text: "The token has expired." },
  token_revoked: { status: 401, close: 4502, retry: "no", text: "The token or its key has been revoked." },
  forbidden: { status: 403, close: 4503, retry: "no", text: "The credential does not allow this." },
  banned: { status: 403, close: 4503, retry: "no", text: "The user is banned." },
  origin_forbidden: { status: 403, close: 4503, retry: "no", text: "Pages of this origin may not use this tenant." },
  muted: { status: 403, close: null, retry: "later", text: "The user is muted in this room." },
  room_frozen: { status: 403, close: null, retry: "later", text: "The room is frozen." },
  not_found: { status: 404, close: 4504, retry: "no", text: "There is no such thing." },
  method_not_allowed: { status: 405, close: null, retry: "no", text: "The method is not offered here." },
  conflict: { status: 409, close: null, retry: "no", text: "The state has changed meanwhile." },
  stream_offset: { status: 409, close: null, retry: "no", text: "The text continues elsewhere." },
  stream_closed: { status: 409, close: null, retry: "no", text: "The stream has ended." },
  stream_cancelled: { status: 409, close: null, retry: "no", text: "The stream was cancelled." },
  room_deleted: { status: 410, close: 4504, retry: "no", text: "The room has been deleted." },
  too_large: { status: 413, close: 4513, retry: "no", text: "This is larger than allowed." },
  range_not_satisfiable: { status: 416, close: null, retry: "no", text: "The file has no such bytes." },
  content_rejected: { status: 422, close: null, retry: "no", text: "The content was rejected." },
  nonce_reused: { status: 422, close: null, retry: "no", text: "The nonce was used for another content." },
  slow_mode: { status: 429, close: 4429, retry: "later", text: "The room is in slow mode." },
  rate_limited: { status: 429, close: 4429, retry: "later", text: "Too many requests." },
  quota_exceeded: { status: 429, close: 4429, retry: "later", text: "The quota is used up." },
  connection_limit: { status: 429, close: 4430, retry: "backoff", text: "Too many connections." },
  slow_consumer: { status: 503, close: 4408, retry: "now", text: "The connection did not read fast enough." },
  restarting: { status: 503, close: 4412, retry: "now", text: "The server is restarting." },
  resync: { status: 503, close: 4410, retry: "now", text: "The history has changed: read it anew." },
  tenant_suspended: { status: 403, close: 4510, retry: "no", text: "The tenant is suspended." },
  overloaded: { status: 503, close: 4413, retry: "backoff", text: "The server is busy." },
  internal: { status: 500, close: 4413, retry: "backoff", text: "Something went wrong on our side." },
  storage_full: { status: 507, close: 4413, retry: "backoff", text: "The storage is full." },
} as const satisfies Record<string, RefusalRow>;

export type RefusalCode = keyof typeof refusals;

/** The limit that was hit, as told to the client. `windowMs` is the time in which the whole limit refills. */
export interface LimitHit {
  readonly scope: string;
  readonly limit: number;
  readonly windowMs: number;
  readonly remaining: number;
}

/** A refusal is a value; a throw is a bug. */
export interface Refusal {
  readonly ok: false;
  readonly error: RefusalCode;
  /** What exactly is wrong, for a person. It may name fields, never their secrets. */
  readonly detail?: string;
  readonly retryAfterMs?: number;
  readonly limit?: LimitHit;
  /** Of a batch: the first of its messages that is refused, counted from 0. */
  readonly index?: number;
  /** How long the text is that is being streamed, in UTF-16 units: where it goes on. */
  readonly want?: number;
}

export function refuse(
  error: RefusalCode,
  detail?: string,
  more?: Pick<Refusal, "retryAfterMs" | "limit" | "want">,
): Refusal {
  return { ok: false, error, ...(detail === undefined ? {} : { detail }), ...more };
}

/** The refusal of a batch for one of its messages; `index` is undefined for a message on its own. */
export function refusedAt(index: number | undefined, refusal: Refusal): Refusal {
  return index === undefined ? refusal : { ...refusal, index };
}
