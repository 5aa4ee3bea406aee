/** Who may come to which plane. */
import { createMiddleware } from "hono/factory";
import { isOperatorKey } from "../../auth/operatorKey.ts";
import { refuse } from "../../protocol/refusals.ts";
import { settingsOf } from "../../env.ts";
import type { AppEnv } from "../app.ts";
import { identify, presentedCredential } from "../credentials.ts";
import { problem } from "../problem.ts";
import { overKeyRate, refusedCredential } from "./rates.ts";

/** The operator's plane. Where no operator key is set, there is none. */
export const operator = createMiddleware<AppEnv>(async function operator(c, next) {
  const { operatorKey } = settingsOf(c.env);
  if (operatorKey === undefined) return problem(c, refuse("not_found"));
  const credential = presentedCredential(c.req.raw.headers);
  if (credential === null) return problem(c, refuse("token_missing"));
  if (!(await isOperatorKey(operatorKey, credential)))
    return problem(c, await refusedCredential(c, refuse("token_invalid")));
  return next();
});

/** The client's plane: a token or an API key. The tenant comes from it and from nowhere else. */
export const client = createMiddleware<AppEnv>(async function client(c, next) {
  const identified = await identify(c.env, c.req.raw.headers, Date.now());
  if (!identified.ok) return problem(c, await refusedCredential(c, identified));
  c.set("identity", identified.identity);
  const refused = await overKeyRate(c, identified.identity);
  return refused === null ? next() : problem(c, refused);
});

/** The tenant's plane: an API key with `admin`. */
export const admin = createMiddleware<AppEnv>(async function admin(c, next) {
  const { token, capabilities } = c.get("identity");
  if (token !== null) return problem(c, refuse("forbidden", "This takes an API key, not a token."));
  return capabilities.includes("admin")
    ? next()
    : problem(c, refuse("forbidden", "This needs the capability `admin`."));
});
