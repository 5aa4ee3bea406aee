/** Through every page in both schemes, wide and narrow. With PARLEY_SCREENSHOTS=<folder> it keeps what it saw. */
import { join } from "node:path";
import { type Page } from "playwright-core";
import { expect, test } from "vitest";
import { type Console, narrow, wide } from "../../support/console.ts";
import { type ConsolePage, pages } from "./pages.ts";

const folder = process.env["PARLEY_SCREENSHOTS"];

export function walkTests(console: () => Console): void {
  test("[K2] every page has nothing that axe-core calls serious, no error in its console, and fits a telephone, light and dark", async () => {
    const found: Record<string, unknown> = {};
    for (const one of pages) {
      const said = await looked(console(), one);
      if (said.length > 0) found[nameOf(one)] = said;
    }
    expect(found).toEqual({});
  });
}

async function looked(console: Console, one: ConsolePage): Promise<string[]> {
  const { page } = console;
  await one.furnish?.(console);
  await page.setViewportSize(wide);
  await page.emulateMedia({ colorScheme: "light" });
  await console.show(one.path, one.as);
  // Of its own accord Playwright looks twice a second after a while: over thirty pages that is seconds.
  await expect.poll(() => one.shown(page).isVisible()).toBe(true);
  await one.open?.(page);
  const found = await console.barriers();
  await picture(page, `${nameOf(one)}-light`);
  await page.emulateMedia({ colorScheme: "dark" });
  found.push(...(await console.barriers("contrast")));
  await picture(page, `${nameOf(one)}-dark`);
  await page.setViewportSize(narrow);
  const excess = await console.excessWidth();
  if (excess > 0) found.push(`it is ${excess} pixels wider than a telephone`);
  await picture(page, `${nameOf(one)}-dark-narrow`);
  if (folder !== undefined) {
    await page.emulateMedia({ colorScheme: "light" });
    await picture(page, `${nameOf(one)}-light-narrow`);
  }
  return [...found, ...console.complaints.splice(0)];
}

async function picture(page: Page, name: string): Promise<void> {
  if (folder === undefined) return;
  await page.screenshot({ path: join(folder, `${name}.png`), animations: "disabled", fullPage: true });
}

function nameOf({ path, name, as = "tenant" }: ConsolePage): string {
  return name ?? `${as}${path === "/" ? "/overview" : path}`.replaceAll("/", "-");
}
