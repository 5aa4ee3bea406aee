/** A router of ours: its environment, and the one answer to what its schemas refuse. */
import { OpenAPIHono } from "@hono/zod-openapi";
import type * as z from "zod";
import type { Identity } from "../auth/identity.ts";
import { type Refusal, type RefusalCode, refuse } from "../protocol/refusals.ts";
import type { Bindings } from "../env.ts";
import { problem } from "./problem.ts";

export interface AppEnv {
  Bindings: Bindings;
  Variables: {
    requestId: string;
    /** Set by the middleware of the tenant's and the client's plane. */
    identity: Identity;
    /** For the log: whose request it is, where no middleware has said it, and what it was refused with. */
    tenant: string;
    refusal: RefusalCode;
  };
}

export function router(): OpenAPIHono<AppEnv> {
  return new OpenAPIHono<AppEnv>({
    defaultHook: (result, c) => (result.success ? undefined : problem(c, unfit(result))),
  });
}

/** The refusal of what a route's schemas do not take. */
export function unfit({
  target,
  error,
}: {
  readonly target: string;
  readonly error: Pick<z.ZodError, "issues">;
}): Refusal {
  const issue = error.issues[0];
  const where = [target === "json" ? "" : target, ...(issue?.path ?? [])].filter((part) => part !== "").join(".");
  return refuse("invalid_field", `${where === "" ? "The body" : `\`${where}\``}: ${issue?.message ?? "not allowed"}.`);
}
