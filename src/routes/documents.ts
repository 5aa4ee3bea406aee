/** What the API says of itself: its description, its documentation, and that it is well. */
import { createRoute } from "@hono/zod-openapi";
import { Scalar } from "@scalar/hono-api-reference";
import * as z from "zod";
import { version } from "../../package.json";
import { settingsOf } from "../env.ts";
import { router } from "./app.ts";
import { json } from "./declared.ts";
import { problems } from "./problem.ts";

const health = createRoute({
  method: "get",
  path: "/health",
  tags: ["everyone"],
  summary: "Whether the Worker answers, and is set up",
  responses: {
    200: json(z.object({ ok: z.literal(true), version: z.string() }), "It does, and is."),
    500: problems[500],
  },
});

/** The page is ours and so is its script: no CDN. Scalar styles itself inline and reads /openapi.json. */
const documentationPolicy =
  "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

export const documents = router().openapi(health, (c) => {
  // Throws where it is not: the answer says what is missing.
  settingsOf(c.env);
  return c.json({ ok: true as const, version }, 200);
});

documents.get(
  "/docs",
  async (c, next) => {
    await next();
    c.header("Content-Security-Policy", documentationPolicy);
  },
  Scalar({
    url: "/openapi.json",
    cdn: "/assets/scalar.js",
    pageTitle: "Parley API",
    withDefaultFonts: false,
    telemetry: false,
    // Offers of other services, which this page may not even reach.
    agent: { disabled: true },
    mcp: { disabled: true },
    showDeveloperTools: "never",
  }),
);
