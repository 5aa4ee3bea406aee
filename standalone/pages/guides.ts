/** The guides of docs/, in the order in which docs/README.md names them, as pages. */
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { projectFolder } from "../bundle.ts";
import type { Resolve } from "./markdown.ts";
import type { Page, Shelf } from "./page.ts";

const docs = join(projectFolder, "docs");
const indexPath = "/guides";

/** For those who build Parley itself. */
const notServed = new Set(["README.md", "architecture.md"]);

export interface Guides {
  readonly index: Page;
  readonly shelf: Shelf;
}

export function readGuides(): Guides {
  const text = readFileSync(join(docs, "README.md"), "utf8");
  const groups = [...text.matchAll(/^## (.+)\n([\s\S]*?)(?=^## |$(?![\s\S]))/gm)].map(([, title = "", body = ""]) => ({
    title,
    pages: [...body.matchAll(/^- \[([^\]]+)\]\(([\w-]+\.md)\): (.+)$/gm)].map(([, name = "", file = "", said = ""]) =>
      readGuide(file, name, said),
    ),
  }));
  const named = new Set(groups.flatMap(({ pages }) => pages.map(({ path }) => path)));
  const others = readdirSync(docs)
    .filter((file) => file.endsWith(".md") && !notServed.has(file) && !named.has(pathOf(file)))
    .map((file) => readGuide(file, basename(file, ".md"), ""));
  const all = others.length === 0 ? groups : [...groups, { title: "Further", pages: others }];
  return {
    index: {
      path: indexPath,
      title: "Guides",
      description: "How to build on Parley, and how to run it.",
      markdown: text,
    },
    shelf: { title: "Guides", path: indexPath, groups: all.filter(({ pages }) => pages.length > 0) },
  };
}

function readGuide(file: string, title: string, description: string): Page {
  return { path: pathOf(file), title, description, markdown: readFileSync(join(docs, file), "utf8") };
}

function pathOf(file: string): string {
  return `${indexPath}/${basename(file, ".md")}`;
}

/** What this server has at paths of its own, as pages name them. */
const served =
  /^\/(errors(\/\w+)?|limits|guides(\/[\w-]+)?|docs|console|demo\/|openapi\.json|asyncapi\.json|llms\.txt)(#[\w-]*)?$/;

const pictures = readdirSync(docs, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".svg"));
/** Beside the style, because what is below /guides goes through the Worker. */
const pictureFolder = "/assets/guides";

/** Those that stand in docs/. */
export function writePictures(folder: string): void {
  for (const file of pictures) cpSync(join(docs, file), join(folder, pictureFolder, file));
}

/** Links between the files of docs/ lead to their pages. What lies elsewhere in the project is not served. */
export function resolverOf({ shelf }: Guides): Resolve {
  const known = new Set(shelf.groups.flatMap(({ pages }) => pages.map(({ path }) => path)));
  return (target) => {
    if (/^https?:|^#/.test(target) || served.test(target)) return target;
    if (pictures.includes(target)) return `${pictureFolder}/${target}`;
    const [file = "", anchor] = target.split("#");
    if (!/^[\w-]+\.md$/.test(file)) return null;
    const path = file === "README.md" ? indexPath : pathOf(file);
    if (path !== indexPath && !known.has(path)) return null;
    return anchor === undefined ? path : `${path}#${anchor}`;
  };
}
