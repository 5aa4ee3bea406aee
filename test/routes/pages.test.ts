/** Pages that the build has made, as the Worker serves them. */
import { expect, test } from "vitest";
import { refusals } from "../../src/protocol/refusals.ts";
import { hasSafeHeaders, refused } from "./answers.ts";
import { call } from "./edge.ts";

const codes = Object.keys(refusals);

async function textOf(path: string, type: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const response = await call(path, { headers });
  expect([path, response.status, response.headers.get("content-type")]).toEqual([path, 200, type]);
  expect(response.headers.get("vary")).toContain("Accept");
  hasSafeHeaders(response);
  return response.text();
}

const html = "text/html; charset=utf-8";
const markdown = "text/markdown; charset=utf-8";

test("[H12] each code has a page at its `type`, with what the table says of it, and nothing else has", async () => {
  for (const [code, { status, close, text }] of Object.entries(refusals)) {
    const page = await textOf(`/errors/${code}`, html);
    for (const said of [code, status, text, ...(close === null ? [] : [close])]) expect(page).toContain(String(said));
    expect(page.match(/<h2[^>]*>[^<]+/g)).toHaveLength(3);
  }
  for (const name of ["nope", "muted2", "", "constructor", "..%2flimits", "muted.html", "MUTED"])
    await refused(await call(`/errors/${name}`), 404, "not_found");
});

test("[H12] /errors lists all of them with their rows", async () => {
  const list = await textOf("/errors", markdown, { Accept: "text/markdown" });
  const rows = [...list.matchAll(/^\| \[`(\w+)`\]\(\/errors\/\w+\) \| (\d+) \| (\S+) \| (\w+) \|/gm)];
  const listed = rows.map(([, code = "", status, close, retry]) => [code, `${status} ${close} ${retry}`] as const);
  expect(Object.fromEntries(listed)).toEqual(
    Object.fromEntries(
      Object.entries(refusals).map(([code, { status, close, retry }]) => [code, `${status} ${close ?? "–"} ${retry}`]),
    ),
  );
  expect(listed).toHaveLength(codes.length);
});

test("[H14] a page is HTML to a browser, and Markdown by its name or to whoever asks for it", async () => {
  const browser = { Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" };
  for (const path of ["/errors", "/errors/rate_limited", "/limits", "/guides", "/guides/client"]) {
    const shown = await textOf(path, html, browser);
    expect(shown).toMatch(/^<!doctype html>/);
    expect(shown).not.toMatch(/<script|style=|javascript:| on\w+=/i);
    expect(await textOf(path, html)).toBe(shown);
    expect(await textOf(path, html, { Accept: "text/markdown;q=0.5, text/html" })).toBe(shown);
    const asked = await textOf(path, markdown, { Accept: "text/markdown" });
    expect(asked).toMatch(/^# /);
    expect(await textOf(path, markdown, { Accept: "text/markdown, text/html;q=0.9" })).toBe(asked);
    if (path.split("/").length > 2) expect(await textOf(`${path}.md`, markdown)).toBe(asked);
  }
});

test("[H14] who has the page already is not sent it again", async () => {
  const first = await call("/errors/muted");
  await first.body?.cancel();
  const again = await call("/errors/muted", { headers: { "If-None-Match": first.headers.get("etag") ?? "" } });
  expect([again.status, await again.text()]).toEqual([304, ""]);
});
