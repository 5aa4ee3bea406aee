/** Pages that the build has made (standalone/pages): to people HTML, and the same as Markdown to whoever asks for that. */
import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { refuse } from "../protocol/refusals.ts";
import { type AppEnv, router } from "./app.ts";
import { problem } from "./problem.ts";

/** Without a script; their one sheet of style is ours. */
const policy =
  "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const pages = router();
for (const path of ["/errors", "/errors/:code", "/limits", "/guides", "/guides/:guide"])
  pages.get(path, (c) => page(c));

async function page(c: Context<AppEnv>): Promise<Response> {
  const wanted = accepts(c, { header: "Accept", supports: ["text/html", "text/markdown"], default: "text/html" });
  const { pathname, origin } = new URL(c.req.url);
  const file = pathname.endsWith(".md") || wanted === "text/html" ? pathname : `${pathname}.md`;
  const { headers } = c.req.raw;
  const found = await c.env.ASSETS.fetch(new Request(new URL(file, origin), { headers, redirect: "manual" }));
  // A redirect leads to the same page under its one name.
  if (!found.ok && found.status !== 304) return problem(c, refuse("not_found", "There is no such page."));
  for (const name of ["Content-Type", "Cache-Control", "ETag"]) c.header(name, found.headers.get(name) ?? undefined);
  c.header("Content-Security-Policy", policy);
  c.header("Vary", "Accept");
  if (found.status === 304) return c.body(null, 304);
  return found.body === null ? c.body(null) : c.body(found.body);
}
