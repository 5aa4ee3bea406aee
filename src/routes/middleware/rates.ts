/** What is counted before a request reaches any object: of an address, of a key, and credentials that were refused. */
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { Identity } from "../../auth/identity.ts";
import { type EdgeLimit, edgeLimits } from "../../protocol/limits/edge.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { AppEnv } from "../app.ts";
import { problem } from "../problem.ts";

export const perAddress = createMiddleware<AppEnv>(async function perAddress(c, next) {
  const address = addressOf(c);
  if (address === null || (await isWithin(c, edgeLimits.requestsPerAddress, address))) return next();
  return problem(c, tooMany("address", edgeLimits.requestsPerAddress, "requests of an address"));
});

/** What comes from nowhere outside is not counted. A key counts with all tokens that it signed; the tenant stands before it, because an identity provider's name is not its own. */
export async function overKeyRate(c: Context<AppEnv>, { tenant, key }: Identity): Promise<Refusal | null> {
  const within = addressOf(c) === null || (await isWithin(c, edgeLimits.requestsPerKey, `${tenant}.${key}`));
  return within ? null : tooMany("key", edgeLimits.requestsPerKey, "requests of a key and its tokens");
}

/**
 * What is answered to a credential that proves nothing: after too many of them only that, so that nobody learns by trying. A
 * token that has expired or was revoked was a right one.
 */
export async function refusedCredential(c: Context<AppEnv>, refusal: Refusal): Promise<Refusal> {
  const address = addressOf(c);
  if (refusal.error !== "token_invalid" || address === null) return refusal;
  if (await isWithin(c, edgeLimits.failuresPerAddress, address)) return refusal;
  return tooMany("failures", edgeLimits.failuresPerAddress, "refused credentials of an address");
}

async function isWithin(c: Context<AppEnv>, { binding }: EdgeLimit, key: string): Promise<boolean> {
  const counter = c.env[binding];
  return counter === undefined || (await counter.limit({ key })).success;
}

function addressOf(c: Context<AppEnv>): string | null {
  const header = c.env.CLIENT_ADDRESS_HEADER;
  return header === undefined ? null : (c.req.header(header) ?? null);
}

/** The platform does not say when its period began: after a whole one it is another. */
function tooMany(scope: string, { limit, periodSeconds }: EdgeLimit, of: string): Refusal {
  const windowMs = periodSeconds * 1_000;
  return refuse("rate_limited", `At most ${limit} ${of} in ${periodSeconds} seconds.`, {
    retryAfterMs: windowMs,
    limit: { scope, limit, windowMs, remaining: 0 },
  });
}
