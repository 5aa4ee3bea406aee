/** A real Chromium for tests: Debian's own, with nothing of a user's in it and nothing to say to the outside. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import type { TestContext } from "vitest";

// Elsewhere it has other names: CHROMIUM=/path/to/chrome.
const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface BrowserOptions {
  /** Whether a page that one has left is kept as it is, for who goes back: as every browser does, and Playwright forbids. */
  readonly keepsPages?: boolean;
}

/**
 * With a fresh profile, closed when the test ends. Without Chromium the test is skipped and says so, but in CI it fails:
 * there a skipped test would look like one that passed.
 */
export async function launchBrowser(context: TestContext, options: BrowserOptions = {}): Promise<Browser> {
  const browser = (await startBrowser(options)) ?? context.skip("no chromium");
  context.onTestFinished(() => browser.close());
  return browser;
}

/** One for all tests of a file, which closes it itself. Null without Chromium, but in CI it throws. */
export async function startBrowser({ keepsPages = false }: BrowserOptions = {}): Promise<Browser | null> {
  const ignoreDefaultArgs = keepsPages ? ["--disable-back-forward-cache"] : [];
  if (existsSync(executablePath)) return chromium.launch({ executablePath, args: flags, ignoreDefaultArgs });
  if (process.env["CI"] === "true") throw new Error(`no chromium at ${executablePath}: apt-get install chromium`);
  // The reporter counts skipped tests but does not tell why.
  console.error("skipped: no chromium");
  return null;
}
