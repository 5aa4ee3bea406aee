/** The console without a mouse, on a telephone, in the dark. */
import { expect, test } from "vitest";
import { type Console, narrow, wide } from "../../support/console.ts";

export function reachTests(console: () => Console): void {
  test("[K8] the keyboard reaches everything, focus follows to the page's heading, and a chosen scheme stays", async () => {
    const { page } = console();
    await page.setViewportSize(wide);
    await page.emulateMedia({ colorScheme: "light" });
    await console().show("/");
    // Where the Tab key begins, when a document is new.
    await page.reload();
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    await page.keyboard.press("Tab");
    expect(await focused(console())).toBe("Skip to the page");
    await page.keyboard.press("Enter");
    expect(await focused(console())).toBe("Overview");

    await page.getByRole("link", { name: "API keys" }).focus();
    expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe("solid");
    await page.keyboard.press("Enter");
    await expect.poll(() => focused(console())).toBe("API keys");
    await expect.poll(() => page.title()).toBe("API keys · Parley");
    expect(await page.getByRole("link", { name: "API keys" }).getAttribute("aria-current")).toBe("page");

    await page.getByRole("button", { name: "Switch to dark" }).click();
    await page.reload();
    const scheme = (): Promise<unknown> => page.evaluate("document.documentElement.dataset.mantineColorScheme");
    await expect.poll(scheme).toBe("dark");
    await page.evaluate("localStorage.clear()");
    await page.reload();
    await expect.poll(scheme).toBe("light");

    await page.setViewportSize(narrow);
    const tokens = page.getByRole("link", { name: "Token maker" });
    await tokens.waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Open the menu" }).click();
    await tokens.click();
    await page.getByRole("heading", { level: 1, name: "Token maker" }).waitFor();
    await tokens.waitFor({ state: "hidden" });
    expect(console().complaints).toEqual([]);
  });
}

function focused({ page }: Console): Promise<unknown> {
  return page.evaluate("document.activeElement === document.body ? null : document.activeElement.textContent");
}
