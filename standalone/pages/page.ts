/** A page as it is served: Markdown for whoever asks for it, and the same as HTML without a script. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { escapeHtml, render, type Resolve } from "./markdown.ts";

export interface Page {
  /** Where it is served, such as `/errors/muted`; its Markdown stands under the same with `.md`. */
  readonly path: string;
  readonly title: string;
  /** One sentence, for whoever has only the link. */
  readonly description: string;
  readonly markdown: string;
}

/** Pages beside each other, as they are listed at the side of each of them. */
export interface Shelf {
  readonly title: string;
  readonly path: string;
  readonly groups: readonly { readonly title: string; readonly pages: readonly Page[] }[];
}

export function pagesOn(shelf: Shelf): Page[] {
  return shelf.groups.flatMap(({ pages }) => pages);
}

export function writePage(folder: string, page: Page, shelf: Shelf | null, resolve: Resolve): void {
  const file = join(folder, page.path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.md`, page.markdown);
  writeFileSync(`${file}.html`, documentOf(page, shelf, render(page.markdown, resolve)));
}

const places = [
  ["/guides", "Guides"],
  ["/docs", "API reference"],
  ["/errors", "Errors"],
  ["/limits", "Limits"],
] as const;

function documentOf(page: Page, shelf: Shelf | null, body: string): string {
  const { path, title, description } = page;
  const nav = places.map(([to, name]) => linkTo(to, name, path === to || path.startsWith(`${to}/`)));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="${escapeHtml(description)}">
<title>${escapeHtml(title)} · Parley</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="alternate" type="text/markdown" href="${path}.md">
<link rel="stylesheet" href="/assets/pages.css">
</head>
<body>
<a class="skip" href="#main">To the text</a>
<header class="top">
<a class="brand" href="/"><img src="/favicon.svg" alt="" width="24" height="24">Parley</a>
<nav aria-label="Documentation">
${nav.join("\n")}
</nav>
</header>
<div class="sheet${shelf === null ? " alone" : ""}">
<main id="main">
${body}
${shelf === null ? "" : neighbours(page, shelf)}
</main>
${shelf === null ? "" : side(page, shelf)}
</div>
<footer>
<p>This page as <a href="${path}.md">Markdown</a>. For programs: <a href="/openapi.json">OpenAPI</a>, <a href="/asyncapi.json">AsyncAPI</a>, <a href="/llms.txt">llms.txt</a>.</p>
</footer>
</body>
</html>
`;
}

function linkTo(to: string, name: string, isHere: boolean): string {
  return `<a href="${to}"${isHere ? ' aria-current="page"' : ""}>${escapeHtml(name)}</a>`;
}

function side({ path }: Page, shelf: Shelf): string {
  const groups = shelf.groups.map(({ title, pages }) => {
    const items = pages.map((page) => `<li>${linkTo(page.path, page.title, page.path === path)}</li>`);
    return `<p class="group">${escapeHtml(title)}</p>\n<ul>\n${items.join("\n")}\n</ul>`;
  });
  return `<nav class="side" aria-label="${escapeHtml(shelf.title)}">
<p>${linkTo(shelf.path, shelf.title, path === shelf.path)}</p>
${groups.join("\n")}
</nav>`;
}

function neighbours({ path }: Page, shelf: Shelf): string {
  const pages = pagesOn(shelf);
  const at = pages.findIndex((page) => page.path === path);
  if (at === -1) return "";
  const [before, after] = [pages[at - 1], pages[at + 1]];
  return `<nav class="neighbours" aria-label="Neighbours">
<span>${before === undefined ? "" : `<a href="${before.path}" rel="prev">← ${escapeHtml(before.title)}</a>`}</span>
<span>${after === undefined ? "" : `<a href="${after.path}" rel="next">${escapeHtml(after.title)} →</a>`}</span>
</nav>`;
}
