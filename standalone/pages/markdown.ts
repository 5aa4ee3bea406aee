/** Markdown as our own pages are written in it, as HTML. What it does not know (HTML, nested lists) it shows as text. */

/** Where a link or a picture of a page leads on this server, also a path that stands there as code; null where what it names is not served. */
export type Resolve = (target: string) => string | null;

interface Taken {
  readonly html: string;
  /** Lines of it. */
  readonly lines: number;
}

type Lines = readonly string[];

export function render(markdown: string, resolve: Resolve = (target) => target): string {
  const lines = markdown.split("\n");
  const found: string[] = [];
  for (let at = 0; at < lines.length;) {
    if (lines[at]?.trim() === "") {
      at++;
      continue;
    }
    const rest = lines.slice(at);
    const taken = takeCode(rest) ?? takeHeading(rest, resolve) ?? takeTable(rest, resolve) ?? takeList(rest, resolve);
    const block = taken ?? takeParagraph(rest, resolve);
    found.push(block.html);
    at += block.lines;
  }
  return found.join("\n");
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? "");
}

/** The id of a heading, as GitHub makes it: links within a page hold on both. */
function anchorOf(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-");
}

function takeCode(lines: Lines): Taken | null {
  const [, language] = /^```(\S*)/.exec(lines[0] ?? "") ?? [];
  if (language === undefined) return null;
  const end = lines.indexOf("```", 1);
  const inside = escapeHtml(lines.slice(1, end === -1 ? undefined : end).join("\n"));
  // It scrolls, so it must be reachable by the keyboard.
  const html = `<pre tabindex="0" data-language="${escapeHtml(language)}"><code>${inside}</code></pre>`;
  return { html, lines: end === -1 ? lines.length : end + 1 };
}

function takeHeading([line = ""]: Lines, resolve: Resolve): Taken | null {
  const [, level = "", text] = /^(#{1,4}) (.+)$/.exec(line) ?? [];
  if (text === undefined) return null;
  const tag = `h${level.length}`;
  return { html: `<${tag} id="${anchorOf(text)}">${inline(text, resolve)}</${tag}>`, lines: 1 };
}

function takeTable(lines: Lines, resolve: Resolve): Taken | null {
  if (lines[0]?.startsWith("|") !== true || !/^\|[\s:|-]+\|$/.test(lines[1] ?? "")) return null;
  const end = lines.findIndex((line) => !line.startsWith("|"));
  const rows = lines.slice(0, end === -1 ? undefined : end);
  const [head = [], , ...body] = rows.map(cellsOf);
  const titles = head.map((cell) => `<th>${inline(cell, resolve)}</th>`).join("");
  const cells = body.map((row) =>
    row.map((cell, index) => cellOf(cell, index === 0 ? "" : (head[index] ?? ""), resolve)),
  );
  const shown = cells.map((row) => `<tr>${row.join("")}</tr>`).join("\n");
  const html = `<div class="wide" tabindex="0"><table>
<thead><tr>${titles}</tr></thead>
<tbody>
${shown}
</tbody>
</table></div>`;
  return { html, lines: rows.length };
}

/** With the name of its column, and whether it is short, for screens on which a row is no line. */
function cellOf(cell: string, column: string, resolve: Resolve): string {
  const name = column.replaceAll(/[`*]/g, "");
  const short = name !== "" && cell !== "" && cell.length < 18 ? ' class="short"' : "";
  const label = name === "" ? "" : ` data-head="${escapeHtml(name)}"`;
  return `<td${short}${label}>${inline(cell, resolve)}</td>`;
}

/** A `|` within code, or after a backslash, is no border. */
function cellsOf(row: string): string[] {
  const cells = row.slice(1, row.trimEnd().length - 1).match(/(`[^`]*`|\\\||[^|])+/g) ?? [];
  return cells.map((cell) => cell.replaceAll(String.raw`\|`, "|").trim());
}

function takeList(lines: Lines, resolve: Resolve): Taken | null {
  const [, mark] = /^(-|\d+\.) /.exec(lines[0] ?? "") ?? [];
  if (mark === undefined) return null;
  const begins = mark === "-" ? /^- / : /^\d+\. /;
  const end = lines.findIndex((line) => !begins.test(line) && !/^ +\S/.test(line));
  const taken = lines.slice(0, end === -1 ? undefined : end);
  const items: string[] = [];
  for (const line of taken) items.push(begins.test(line) ? line.replace(begins, "") : `${items.pop()}\n${line.trim()}`);
  const tag = mark === "-" ? "ul" : "ol";
  const shown = items.map((item) => `<li>${inline(item, resolve)}</li>`).join("\n");
  return { html: `<${tag}>\n${shown}\n</${tag}>`, lines: taken.length };
}

function takeParagraph(lines: Lines, resolve: Resolve): Taken {
  const end = lines.findIndex((line, index) => index > 0 && /^\s*$|^```|^#{1,4} |^- |^\d+\. |^\|/.test(line));
  const taken = lines.slice(0, end === -1 ? undefined : end);
  const html = inline(taken.join("\n"), resolve);
  // A picture by itself scrolls where it is wider than the screen.
  const isPicture = /^<img [^>]*>$/.test(html);
  return { html: isPicture ? `<div class="wide" tabindex="0">${html}</div>` : `<p>${html}</p>`, lines: taken.length };
}

/** Code, pictures, links, strong and emphasised words, and addresses. Everything else is text. */
const marks =
  /`([^`]+)`|!\[([^\]]*)\]\(([^)\s]+)\)|\[((?:`[^`]*`|[^\]])+)\]\(([^)\s]+)\)|\*\*(.+?)\*\*|(?<![\w*])\*([^\s*][^*]*)\*|(\bhttps?:\/\/[^\s<>)`]+[^\s<>)`.,:;])/s;

function inline(text: string, resolve: Resolve): string {
  let shown = "";
  let rest = text;
  for (let match = marks.exec(rest); match !== null; match = marks.exec(rest)) {
    shown += escapeHtml(rest.slice(0, match.index)) + markedUp(match, resolve);
    rest = rest.slice(match.index + match[0].length);
  }
  return shown + escapeHtml(rest);
}

function markedUp(match: Lines, resolve: Resolve): string {
  const [, code, shown, source = "", linked, target = "", strong, emphasised, address = ""] = match;
  if (shown !== undefined) return picture(resolve(source), shown);
  if (code !== undefined) return link(code.startsWith("/") ? resolve(code) : null, `<code>${escapeHtml(code)}</code>`);
  if (linked !== undefined) return link(resolve(target), inline(linked, resolve));
  if (strong !== undefined) return `<strong>${inline(strong, resolve)}</strong>`;
  if (emphasised !== undefined) return `<em>${inline(emphasised, resolve)}</em>`;
  return link(address, escapeHtml(address));
}

/** Where it is not served, what it shows in words. */
function picture(source: string | null, alt: string): string {
  if (source === null) return escapeHtml(alt);
  return `<img src="${escapeHtml(source)}" alt="${escapeHtml(alt)}" loading="lazy">`;
}

function link(href: string | null, shown: string): string {
  return href === null ? shown : `<a href="${escapeHtml(href)}">${shown}</a>`;
}
