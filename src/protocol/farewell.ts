/** A refusal as the frames that a socket is sent. The range of a close code is the instruction: 44xx come back, 45xx do not. */
import { type Refusal, type RefusalCode, refusals, type Retry } from "./refusals.ts";
import type { ClosingFrame, ErrorFrame } from "./serverFrames.ts";

export function errorFrame({ error, detail, retryAfterMs, limit, want }: Refusal, ref: string | undefined): ErrorFrame {
  const { status, retry, text } = refusals[error];
  return {
    type: "error",
    ...(ref === undefined ? {} : { ref }),
    code: error,
    status,
    message: detail ?? text,
    retryable: retry !== "no",
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(limit === undefined ? {} : { limit }),
    ...(want === undefined ? {} : { want }),
  };
}

/** The farewell before a close, so that a client need not know the codes. Throws for a refusal that closes nothing. */
export function closingFrame(error: RefusalCode, reason: string): ClosingFrame {
  const { close, retry } = refusals[error];
  if (close === null) throw new Error(`${error} closes no socket`);
  return { type: "closing", code: close, reason, reconnect: reconnectOf(close, retry) };
}

/** What is over with the credential itself, and so with everything that it has opened. A token may end in one room and have been renewed in others. */
const endsOfCredentials = ["token_revoked", "tenant_suspended"] as const;

/** Which of them a farewell says; null for what concerns its room alone. */
export function farewellToCredential({ code }: Pick<ClosingFrame, "code">): RefusalCode | null {
  return endsOfCredentials.find((error) => refusals[error].close === code) ?? null;
}

function reconnectOf(close: number, retry: Retry): ClosingFrame["reconnect"] {
  if (close >= 4500) return "never";
  return retry === "now" || retry === "token" ? "now" : "backoff";
}
