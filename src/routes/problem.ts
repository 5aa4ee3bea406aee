/** Every error over HTTP: `application/problem+json` (RFC 9457) from the table of refusals. */
import type { Context, TypedResponse } from "hono";
import type { JSONParsed } from "hono/utils/types";
import { type Explained, Problem } from "../protocol/http.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refusals, type Retry } from "../protocol/refusals.ts";
import type { LimitLevel } from "../protocol/serverFrames.ts";

const content = { "application/problem+json": { schema: Problem } };
export const described = (description: string): { description: string; content: typeof content } => ({
  description,
  content,
});

/** The refusals of a route, for its declaration. */
export const problems = {
  400: described("The request cannot be understood."),
  401: described("A credential is missing, wrong, expired or revoked."),
  403: described("The credential does not allow this."),
  404: described("There is no such thing, or it is another tenant's."),
  409: described("The state has changed meanwhile."),
  410: described("The room has been deleted."),
  413: described("Larger than allowed."),
  422: described("The nonce was used for another content."),
  429: described("Too much: `retryAfterMs` says when to come again."),
  500: described("Something went wrong on our side."),
  503: described("Busy or restarting."),
  507: described("The storage is full."),
};

/** One member for each status: that is how a declared route spells its answers. */
export type ProblemResponse = {
  [Status in keyof typeof problems]: Response & TypedResponse<JSONParsed<Problem>, Status, "json">;
}[keyof typeof problems];

export function problem(c: Context, refusal: Refusal): ProblemResponse {
  const said = explained(refusal);
  c.set("refusal", refusal.error);
  const body: Problem = {
    type: `/errors/${refusal.error}`,
    title: refusals[refusal.error].text,
    ...said,
    requestId: c.get("requestId"),
    ...(refusal.index === undefined ? {} : { index: refusal.index }),
    ...(refusal.want === undefined ? {} : { want: refusal.want }),
  };
  const response = c.body(JSON.stringify(body), refusals[refusal.error].status, {
    "Content-Type": "application/problem+json",
    ...limitHeaders({ limit: refusal.limit, retryAfterMs: said.retryAfterMs }),
  });
  // The type says what the body says; Hono's own `json` would name another content type.
  return response as unknown as ProblemResponse;
}

/** What a problem says of its refusal, also where it is one of several in an answer. */
export function explained(refusal: Refusal): Explained {
  const { status, retry, text } = refusals[refusal.error];
  const retryAfterMs = refusal.retryAfterMs ?? (status === 503 ? waitOf(retry) : undefined);
  return {
    status,
    detail: refusal.detail ?? text,
    code: refusal.error,
    retryable: retry !== "no",
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(refusal.limit === undefined ? {} : { limit: refusal.limit }),
  };
}

/** What is left of the limits, on an answer that is no refusal. */
export function tellLevels(c: Context, levels: readonly LimitLevel[]): void {
  if (levels.length === 0) return;
  const seconds = (ms: number): number => Math.ceil(ms / 1_000);
  const left = levels.map(({ scope, remaining, resetMs }) => `"${scope}";r=${remaining};t=${seconds(resetMs)}`);
  c.header("RateLimit", left.join(", "));
  c.header("RateLimit-Policy", levels.map(({ scope, limit }) => `"${scope}";q=${limit}`).join(", "));
}

/** `RateLimit` and `RateLimit-Policy` as in draft-ietf-httpapi-ratelimit-headers-11; seconds are rounded up, so that they are true. */
function limitHeaders({
  retryAfterMs,
  limit,
}: {
  readonly retryAfterMs: number | undefined;
  readonly limit: Refusal["limit"] | undefined;
}): Record<string, string> {
  const seconds = Math.ceil((retryAfterMs ?? 0) / 1_000);
  return {
    ...(retryAfterMs === undefined ? {} : { "Retry-After": String(seconds) }),
    ...(limit === undefined
      ? {}
      : {
          "RateLimit-Policy": `"${limit.scope}";q=${limit.limit};w=${Math.ceil(limit.windowMs / 1_000)}`,
          RateLimit: `"${limit.scope}";r=${limit.remaining};t=${seconds}`,
        }),
  };
}

/** Every 503 says when to come again, also where what refuses does not know better. */
function waitOf(retry: Retry): number {
  return retry === "now" ? fixedLimits.restartingRetryMs : fixedLimits.overloadedRetryMs;
}
