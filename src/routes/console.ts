/** The console's page, at every address beneath /console. Its scripts and styles are static files and never come here. */
import { nanoid } from "nanoid";
import type { Context } from "hono";
import { type AppEnv, router } from "./app.ts";

/** What stands in the page as it was built, wherever the nonce of an answer belongs. */
const nonceMark = "NONCE-OF-THE-ANSWER";

/**
 * Nothing inline but the `<style>` elements that the page's own script makes and marks with this answer's nonce. Sockets of the same
 * origin are `'self'`; files that are shown are fetched with the key, and become `blob:`.
 */
function policyWith(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' blob:",
    "media-src 'self' blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

export const console = router();

console.get("/console", (c) => c.redirect("/console/", 308));
console.get("/console/assets/*", (c) => c.notFound());
console.get("/console/*", (c) => page(c));

async function page(c: Context<AppEnv>): Promise<Response> {
  // The file is index.html; asked for by that name, static assets answer with a redirect.
  const built = await c.env.ASSETS.fetch(new URL("/console/", c.req.url));
  if (built.status !== 200) return c.notFound();
  const nonce = nanoid();
  const html = (await built.text()).replaceAll(nonceMark, nonce);
  return c.html(html, 200, { "Content-Security-Policy": policyWith(nonce), "Cache-Control": "no-store" });
}
