/** `/openapi.json`: the routes as they are declared, with what the library gets wrong put right. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { version } from "../../package.json";
import type { AppEnv } from "./app.ts";

const frame = {
  openapi: "3.1.0",
  info: {
    title: "Parley",
    version,
    description:
      "Rooms with ordered, durable messages over WebSocket and HTTP. Every error is a problem of RFC 9457 with a `code`; the codes are listed at /errors.",
  },
  servers: [{ url: "/" }],
};

const schemes = {
  operatorKey: "OPERATOR_KEY of the deployment.",
  apiKey: "An API key: parley_…",
  token: "A user's token (JWT).",
};

/** To be called when all routes are mounted. */
export function describeAt(path: string, app: OpenAPIHono<AppEnv>): void {
  for (const [name, description] of Object.entries(schemes)) {
    app.openAPIRegistry.registerComponent("securitySchemes", name, { type: "http", scheme: "bearer", description });
  }
  app.get(path, (c) => c.body(JSON.stringify(app.getOpenAPI31Document(frame), mended), 200, jsonType));
}

const jsonType = { "Content-Type": "application/json" };

/** Classes of characters by their ranges: few readers of JSON Schema know the names of Unicode. */
const ranges = {
  "\\p{Cc}": "\\u0000-\\u001f\\u007f-\\u009f",
  "\\p{Cs}": "\\ud800-\\udfff",
  "\\p{Z}": " \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000",
};

function mended(name: string, value: unknown): unknown {
  // A pattern with flags is written down as `…/u`, which nothing matches.
  if (name === "pattern" && typeof value === "string")
    return Object.entries(ranges).reduce((text, [from, to]) => text.replaceAll(from, to), value.replace(/\/u$/, ""));
  // What JSON can say exactly is said of no whole number.
  if (
    typeof value === "object" &&
    value !== null &&
    "type" in value &&
    value.type === "integer" &&
    !("maximum" in value)
  )
    return { ...value, maximum: Number.MAX_SAFE_INTEGER };
  return value;
}
