/** The pages as they are made: that they say all, and that their links lead somewhere. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { explanations } from "../../src/protocol/explanations.ts";
import { tenantLimits } from "../../src/protocol/limits/tenant.ts";
import { refusals } from "../../src/protocol/refusals.ts";
import { render } from "../../standalone/pages/markdown.ts";
import { writePages } from "../../standalone/pages/pages.ts";

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "parley-pages-"));
writePages(folder);
afterAll(() => rmSync(folder, { recursive: true }));

const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
const read = (file: string): string => readFileSync(join(folder, file), "utf8");
const pages = files.filter((file) => file.endsWith(".html")).map((file) => file.slice(0, -".html".length));

test("[H12] there is a page for each code and no other, and each says why and what to do", () => {
  const codes = Object.keys(refusals);
  expect(Object.keys(explanations).sort()).toEqual([...codes].sort());
  const made = pages.filter((page) => page.startsWith("errors/")).map((page) => page.slice("errors/".length));
  expect(made.sort()).toEqual([...codes].sort());
  for (const { means, why, todo } of Object.values(explanations)) {
    for (const said of [means, ...why, ...todo]) expect(said).toMatch(/^\S[^\n]*[.?:)`…]$/);
    expect([why.length > 0, todo.length > 0]).toEqual([true, true]);
  }
});

test("[H13] /limits says the number, the ceiling, the reason and the refusal of each limit of a tenant", () => {
  const rows = read("limits.md").split("\n");
  for (const [name, { default: usual, ceiling, reason }] of Object.entries(tenantLimits)) {
    const row = rows.find((line) => line.startsWith(`| \`${name}\``)) ?? "";
    const cells = row.split(" | ");
    expect([name, cells.slice(1, 3), cells.at(-1)]).toEqual([
      name,
      [usual.toLocaleString("en"), ceiling.toLocaleString("en")],
      `${reason} |`,
    ]);
    expect(cells[4]).toMatch(/^(\[`\w+`\]\(\/errors\/\w+\): )?\S/);
  }
});

test("[H14] every page has a twin in Markdown, a title and one heading of the first order", () => {
  for (const page of pages) {
    const html = read(`${page}.html`);
    expect([page, existsSync(join(folder, `${page}.md`))]).toEqual([page, true]);
    expect([page, html.match(/<h1[ >]/g)?.length, /<title>[^<]+ · Parley<\/title>/.test(html)]).toEqual([
      page,
      1,
      true,
    ]);
  }
});

const others = ["docs", "openapi.json", "favicon.svg", "", "console", "demo/"];
const known = new Set([...files, ...pages, ...others]);

test("[H14] /llms.txt has the form of llmstxt.org, and names every guide and what describes the API", () => {
  const text = read("llms.txt");
  expect(text).toMatch(/^# Parley\n\n> .+\n\n/);
  expect(text.match(/^# /gm)).toHaveLength(1);
  const [, ...sections] = text.split(/^## .+$/m);
  const lines = sections.flatMap((section) => section.trim().split("\n"));
  for (const line of lines) expect(line).toMatch(/^- \[.+?\]\(\/\S+\)(: \S.*)?$/);
  const targets = [...text.matchAll(/\]\(\/([^)]*)\)/g)].map(([, target = ""]) => target);
  expect(targets.filter((target) => !known.has(target))).toEqual([]);
  const guides = pages.filter((page) => page.startsWith("guides/")).map((page) => `${page}.md`);
  expect(targets).toEqual(
    expect.arrayContaining([...guides, "openapi.json", "asyncapi.json", "errors.md", "limits.md"]),
  );
});

test("[H14] no link in a page leads nowhere, nor to a heading that is not there", () => {
  const broken = pages.flatMap((page) =>
    [...read(`${page}.html`).matchAll(/(?:href|src)="([^"]+)"/g)]
      .map(([, target = ""]) => target)
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => {
        const [path = "", anchor] = target.split("#");
        const file = path === "" ? page : path.slice(1);
        if (!known.has(file) || (path !== "" && !path.startsWith("/"))) return true;
        return anchor !== undefined && !read(`${file}.html`).includes(` id="${anchor}"`);
      })
      .map((target) => `${page}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test("[H14] every guide stands in the index of docs/", () => {
  const index = readFileSync(join(root, "docs/README.md"), "utf8");
  const guides = readdirSync(join(root, "docs")).filter((file) => file.endsWith(".md"));
  const missing = guides.filter(
    (file) => !["README.md", "architecture.md"].includes(file) && !index.includes(`](${file})`),
  );
  expect(missing).toEqual([]);
});

test("[H14] Markdown is shown as what it says, and nothing in it becomes markup", () => {
  const shown = render(
    [
      "# A <b> & `c<d>`",
      "",
      "- one **two** *three*",
      "  goes on",
      "- [x](y.md) and `a | b`",
      "",
      "![bars of <b>](plot.svg)",
      "",
      "| a | b |",
      "|---|---|",
      "| `p|q` | <script>alert(1)</script> |",
      "",
      "```js",
      "if (a < b) `</code></pre><script>`",
      "```",
      "1. first",
      "2. second",
    ].join("\n"),
    (target) => `/${target}"><script>`,
  );
  expect(shown).not.toMatch(/<script|<b>/);
  expect(shown).toContain('<h1 id="a-b--cd">A &lt;b&gt; &amp; <code>c&lt;d&gt;</code></h1>');
  expect(shown).toContain("<li>one <strong>two</strong> <em>three</em>\ngoes on</li>");
  expect(shown).toMatch(/<td[^>]*><code>p\|q<\/code><\/td>/);
  expect(shown).toContain("if (a &lt; b) `&lt;/code&gt;&lt;/pre&gt;&lt;script&gt;`</code></pre>");
  expect(shown).toMatch(
    /<div class="wide" tabindex="0"><img src="\/plot\.svg[^"<]*" alt="bars of &lt;b&gt;" loading="lazy"><\/div>/,
  );
  expect(render("see ![bars](plot.svg)", () => null)).toBe("<p>see bars</p>");
  expect(shown).toContain("<ol>\n<li>first</li>\n<li>second</li>\n</ol>");
});
