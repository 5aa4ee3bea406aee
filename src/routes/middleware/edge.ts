/** What every answer has: an id, safe headers, and the page's origin if the tenant allows it. */
import type { Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { createMiddleware } from "hono/factory";
import { requestId } from "hono/request-id";
import { secureHeaders } from "hono/secure-headers";
import { nanoid } from "nanoid";
import { fixedLimits } from "../../protocol/limits.ts";
import { refuse } from "../../protocol/refusals.ts";
import type { AppEnv } from "../app.ts";
import { problem } from "../problem.ts";

/** An id from a proxy in front is kept if it is plain, and shorter than any key or token: it is logged. */
export const identified = requestId({ limitLength: 64, generator: () => nanoid() });

/** The API is for programs: nothing it answers is to be shown as a page, framed or kept. */
const safeForPrograms = secureHeaders({
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  crossOriginResourcePolicy: "cross-origin",
});

const policies = ["Content-Security-Policy", "Cross-Origin-Resource-Policy"];

/** A page or a file brings policies of its own. They are kept: Hono sets its headers after the route has answered, over what is there. */
export const safe = createMiddleware<AppEnv>(async function safe(c, next) {
  let own: (readonly [string, string | null])[] = [];
  await safeForPrograms(c, async () => {
    await next();
    own = policies.map((name) => [name, c.res.headers.get(name)]);
  });
  for (const [name, policy] of own) if (policy !== null) c.header(name, policy);
});

export const uncached = createMiddleware<AppEnv>(async function uncached(c, next) {
  await next();
  // A stream says more: it must not be transformed either.
  if (c.res.status !== 101 && !c.res.headers.has("Cache-Control")) c.header("Cache-Control", "no-store");
});

/** A body that is read line by line, each of which has its own bound. */
function isStreamed(path: string): boolean {
  return /^\/v1\/(rooms|tenants)\/[^/]+\/import$/.test(path);
}

/** Bytes of files: no JSON, of any size that was announced, and readable with HEAD. */
export function carriesFile(c: Context): boolean {
  return /^\/v1\/uploads\/[^/]+\/(content|parts\/[^/]+)$/.test(c.req.path);
}

const boundedWhole = bodyLimit({
  maxSize: fixedLimits.bodyBytes,
  onError: (c) => problem(c, refuse("too_large", `A body may have ${fixedLimits.bodyBytes} bytes.`)),
});

export const bounded = createMiddleware<AppEnv>(async function bounded(c, next) {
  return isStreamed(c.req.path) ? next() : boundedWhole(c, next);
});

/** It would be served as a GET, which opens streams and sockets that nobody reads and nobody ends. */
export const headless = createMiddleware<AppEnv>(async function headless(c, next) {
  if (c.req.method !== "HEAD") return next();
  return problem(c, refuse("method_not_allowed", "HEAD is not offered here."));
});

/** A form is what curl sends when nothing else is said; without this the fields would seem to be missing. */
export const jsonOnly = createMiddleware<AppEnv>(async function jsonOnly(c, next) {
  const { headers } = c.req.raw;
  const hasBody = Number(headers.get("content-length") ?? 0) > 0 || headers.has("transfer-encoding");
  if (
    !hasBody ||
    isStreamed(c.req.path) ||
    /^application\/([a-z.+-]+\+)?json\b/i.test(headers.get("content-type") ?? "")
  )
    return next();
  return problem(c, refuse("bad_request", "Say `Content-Type: application/json`."));
});

/**
 * CORS by hand, because whose origins count is known only after the credential: a preflight has none. It may ask anything;
 * the request itself is refused with 403 unless its tenant lists the origin. No cookies are ever used.
 */
export const crossOrigin = createMiddleware<AppEnv>(async function crossOrigin(c, next) {
  const origin = c.req.header("origin");
  if (origin === undefined) return next();
  if (c.req.method === "OPTIONS") {
    return c.body(null, 204, {
      "Access-Control-Allow-Origin": origin,
      "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
      "Access-Control-Allow-Headers":
        "Authorization, Content-Type, Idempotency-Key, Parley-User, Last-Event-ID, Range, If-Range, If-None-Match",
      "Access-Control-Max-Age": "600",
      Vary: "Origin",
    });
  }
  await next();
  if (c.res.status === 101) return undefined;
  c.header("Vary", "Origin", { append: true });
  // A page must be able to read why it was refused, except where its origin is what was refused.
  if (c.get("identity") !== undefined || c.res.status !== 403) {
    c.header("Access-Control-Allow-Origin", origin);
    c.header(
      "Access-Control-Expose-Headers",
      "X-Request-Id, Retry-After, RateLimit, RateLimit-Policy, Idempotent-Replayed, Content-Disposition, Content-Range, ETag",
    );
  }
  return undefined;
});
