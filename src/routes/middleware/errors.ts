/** What goes wrong outside of the routes: no such path, no such method, a bug. The client never sees a stack. */
import type { Context, ErrorHandler, NotFoundHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import { failureOf, refusalOf } from "../../objects/failures.ts";
import { SettingsFault } from "../../env.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { AppEnv } from "../app.ts";
import { problem } from "../problem.ts";

export const onError: ErrorHandler<AppEnv> = function onError(error, c) {
  return problem(c, error instanceof HTTPException ? exceptionRefusal(error) : refusalOfCall(c, error));
};

/** What is told of what was thrown. A bug is written down. */
export function refusalOfCall(c: Context<AppEnv>, error: unknown): Refusal {
  // The platform counts what is overloaded and what was reset.
  if (failureOf(error) !== "bug") return refusalOf(error);
  console.error(
    JSON.stringify({
      level: "error",
      requestId: c.get("requestId"),
      method: c.req.method,
      route: c.req.routePath,
      error: String((error instanceof Error && !(error instanceof SettingsFault) ? error.stack : null) ?? error),
    }),
  );
  // Its text is made to be told: whoever has just deployed sees at the first request what is missing.
  return refuse("internal", error instanceof SettingsFault ? error.message : undefined);
}

/** Knows 404 from 405 by the routes that are declared. */
export function notFound(
  routes: () => readonly { readonly method: string; readonly path: string }[],
): NotFoundHandler<AppEnv> {
  return function answerNotFound(c) {
    const allowed = allowedMethods(routes(), c);
    if (allowed.length === 0) return problem(c, refuse("not_found", "There is no such path."));
    c.header("Allow", allowed.join(", "));
    return problem(c, refuse("method_not_allowed", `${c.req.method} is not offered here: ${allowed.join(", ")}.`));
  };
}

function allowedMethods(routes: readonly { readonly method: string; readonly path: string }[], c: Context): string[] {
  const segments = c.req.path.split("/");
  const matches = (path: string): boolean => {
    const pattern = path.split("/");
    return (
      pattern.length === segments.length &&
      pattern.every((part, index) => (part.startsWith(":") ? segments[index] !== "" : part === segments[index]))
    );
  };
  return [
    ...new Set(
      routes
        .filter(({ method, path }) => method !== "ALL" && !path.includes("*") && matches(path))
        .map(({ method }) => method),
    ),
  ].sort();
}

function exceptionRefusal({ status, message }: HTTPException): Refusal {
  if (status === 413) return refuse("too_large");
  if (status >= 500) return refuse("internal");
  return refuse("bad_request", message === "" ? undefined : `${message}.`);
}
