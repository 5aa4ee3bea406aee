/** A router of ours: its environment, and the one answer to what its schemas refuse. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { refuse } from "../protocol/refusals.ts";
import type { Bindings } from "../env.ts";
import { problem } from "./problem.ts";
import type { Identity } from "./identity.ts";

export interface AppEnv {
  Bindings: Bindings;
  Variables: {
    requestId: string;
    /** Set by the middleware of the tenant's and the client's plane. */
    identity: Identity;
  };
}

export function router(): OpenAPIHono<AppEnv> {
  return new OpenAPIHono<AppEnv>({
    defaultHook: (result, c) => {
      if (result.success) return undefined;
      const issue = result.error.issues[0];
      const where = [result.target === "json" ? "" : result.target, ...(issue?.path ?? [])]
        .filter((part) => part !== "")
        .join(".");
      return problem(
        c,
        refuse("invalid_field", `${where === "" ? "The body" : `\`${where}\``}: ${issue?.message ?? "not allowed"}.`),
      );
    },
  });
}
