/** Makes the documents that a running server shows without its Worker having to know them: static files, made when it is built. */
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { asyncApi } from "./asyncapi/description.ts";
import { errorPages, errorsPage } from "./errorPages.ts";
import { readGuides, resolverOf, writePictures } from "./guides.ts";
import { limitsPage } from "./limitsPage.ts";
import { llmsText } from "./llms.ts";
import { type Page, pagesOn, type Shelf, writePage } from "./page.ts";

export function writePages(folder: string): void {
  const guides = readGuides();
  const resolve = resolverOf(guides);
  const write = (page: Page, shelf: Shelf | null): void => writePage(folder, page, shelf, resolve);
  mkdirSync(join(folder, "assets"), { recursive: true });
  copyFileSync(join(import.meta.dirname, "pages.css"), join(folder, "assets", "pages.css"));
  writePictures(folder);
  writeFileSync(join(folder, "asyncapi.json"), JSON.stringify(asyncApi(), null, 2));
  writeFileSync(join(folder, "llms.txt"), llmsText(guides.shelf));
  write(errorsPage, errorPages);
  write(limitsPage, null);
  write(guides.index, guides.shelf);
  for (const shelf of [errorPages, guides.shelf]) for (const page of pagesOn(shelf)) write(page, shelf);
}
