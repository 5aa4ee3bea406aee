/** Makes the documents that a running server shows without its Worker having to know them: static files, made when it is built. */
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { errorPages, errorsPage } from "./errorPages.ts";
import { readGuides, resolverOf } from "./guides.ts";
import { limitsPage } from "./limitsPage.ts";
import { type Page, type Shelf, writePage } from "./page.ts";

export function writePages(folder: string): void {
  const guides = readGuides();
  const resolve = resolverOf(guides);
  const write = (page: Page, shelf: Shelf | null): void => writePage(folder, page, shelf, resolve);
  mkdirSync(join(folder, "assets"), { recursive: true });
  copyFileSync(join(import.meta.dirname, "pages.css"), join(folder, "assets", "pages.css"));
  write(errorsPage, errorPages);
  write(limitsPage, null);
  write(guides.index, guides.shelf);
  for (const shelf of [errorPages, guides.shelf])
    for (const page of shelf.groups.flatMap(({ pages }) => pages)) write(page, shelf);
}
