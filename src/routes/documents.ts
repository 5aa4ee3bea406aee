/** What the API says of itself: its description, its documentation, its errors, and that it is well. */
import { createRoute } from "@hono/zod-openapi";
import { Scalar } from "@scalar/hono-api-reference";
import { html } from "hono/html";
import * as z from "zod";
import manifest from "../../package.json" with { type: "json" };
import { refusals } from "../protocol/refusals.ts";
import { router } from "./app.ts";
import { json } from "./declared.ts";

const health = createRoute({
  method: "get",
  path: "/health",
  tags: ["everyone"],
  summary: "Whether the Worker answers",
  responses: { 200: json(z.object({ ok: z.literal(true), version: z.string() }), "It does.") },
});

/** The page is ours and so is its script: no CDN. Scalar styles itself inline and reads /openapi.json. */
const documentationPolicy =
  "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

export const documents = router().openapi(health, (c) => c.json({ ok: true, version: manifest.version }, 200));

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

documents.get(
  "/errors",
  async (c, next) => {
    await next();
    c.header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
  },
  (c) => c.html(errorsPage),
);

const errorsPage = html`<!doctype html>
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <title>Parley: errors</title>
      <meta name="viewport" content="width=device-width" />
      <style>
        body {
          font:
            16px/1.5 system-ui,
            sans-serif;
          max-width: 60rem;
          margin: 2rem auto;
          padding: 0 1rem;
          color: #1c2430;
        }
        table {
          border-collapse: collapse;
          width: 100%;
        }
        td,
        th {
          text-align: left;
          padding: 0.4rem 0.6rem;
          border-bottom: 1px solid #dde3ea;
          vertical-align: top;
        }
        tr:target {
          background: #fff4cc;
        }
        code {
          font-size: 0.95em;
        }
      </style>
    </head>
    <body>
      <h1>Errors</h1>
      <p>The range of a close code is the instruction: on 4400 to 4499 reconnect, on 4500 to 4599 do not.</p>
      <table>
        <tr>
          <th>code</th>
          <th>status</th>
          <th>close</th>
          <th>retry</th>
          <th>meaning</th>
        </tr>
        ${Object.entries(refusals).map(
          ([code, { status, close, retry, text }]) =>
            html`<tr id="${code}">
              <td><code>${code}</code></td>
              <td>${status}</td>
              <td>${close ?? ""}</td>
              <td>${retry}</td>
              <td>${text}</td>
            </tr>`,
        )}
      </table>
    </body>
  </html>`;
