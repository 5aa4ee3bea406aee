/** The console in a real Chromium, before a real server: one of each, and one document, for all of its tests. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { startBrowser } from "./browser.ts";
import { type Server, startServer } from "./process.ts";

export type Credential = "tenant" | "operator";

/** Chromium's own words where a page is left before its socket was open: nothing is wrong with it. */
const leftEarly = /WebSocket is closed before the connection is established/;

/** As large as a desk's, and as a telephone's. */
export const wide = { width: 1280, height: 800 };
export const narrow = { width: 390, height: 844 };

/** One for all tests of a file. Without Chromium they are skipped. */
export function consoleOfFile(): () => Console {
  let console: Console | null;
  beforeAll(async () => {
    console = await startConsole();
  });
  beforeEach((context) => {
    if (console === null) context.skip("no chromium");
    // What fails in one test is not to fail the next.
    console?.complaints.splice(0);
  });
  afterAll(() => console?.close());
  return () => {
    if (console === null) throw new Error("the console was not started");
    return console;
  };
}

/** Null without Chromium. */
async function startConsole(): Promise<Console | null> {
  const browser = await startBrowser();
  if (browser === null) return null;
  const server = await startServer({ env: { PRIVATE_ENDPOINTS: "allow" } });
  const page = await browser.newPage({ viewport: wide, reducedMotion: "reduce" });
  // A busy machine is not a broken one.
  page.setDefaultTimeout(60_000);
  return new Console(browser, server, page);
}

export class Console {
  readonly server: Server;
  readonly page: Page;
  /** What the page wrote as an error or a warning, what it threw, and what its policy forbade. A test that expects one takes it out. */
  readonly complaints: string[] = [];
  readonly #browser: Browser;
  /** The key that the page is signed in with. A test that signs in by hand says so. */
  keyInUse: string | undefined;

  constructor(browser: Browser, server: Server, page: Page) {
    this.#browser = browser;
    this.server = server;
    this.page = page;
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type()) && !leftEarly.test(message.text()))
        this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(error.message));
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.server.remove();
  }

  /** Shows a page with this key, by the router where the document is there already. `path` is what stands after `/console`. */
  async show(path: string, key: Credential | (string & {}) = "tenant"): Promise<void> {
    const { page, server } = this;
    const credential = key === "tenant" ? server.demoKey : key === "operator" ? server.operatorKey : key;
    if (this.keyInUse === undefined) await page.goto(`${server.url}/console${path}#key=${credential}`);
    else if (this.keyInUse === credential) await page.evaluate(goTo(path));
    else {
      // Else the page would ask which of the two is meant.
      await page.locator('[aria-label="Sign out"]').dispatchEvent("click");
      await page.evaluate(`${goTo(path)}; location.hash = "#key=${credential}"`);
    }
    this.keyInUse = credential;
    await expect.poll(() => page.url()).not.toContain("#key");
  }

  /** As a newcomer: a document of its own, and nobody signed in. */
  async leave(): Promise<void> {
    if (this.keyInUse !== undefined) await this.page.evaluate("sessionStorage.clear()");
    await this.page.goto("about:blank");
    this.keyInUse = undefined;
  }

  /** What axe-core finds that is serious or critical, as lines of text. `contrast` looks at that alone, which the scheme changes. */
  async barriers(looking: "all" | "contrast" = "all"): Promise<string[]> {
    // By the debugger: the page's own policy lets no such script in.
    if ((await this.page.evaluate("typeof axe")) === "undefined") await this.page.evaluate(`{${axeSource}}`);
    const options = looking === "all" ? {} : { runOnly: ["color-contrast"] };
    return this.page.evaluate(`axe.run(document, ${JSON.stringify({ resultTypes: ["violations"], ...options })}).then(
      ({ violations }) => violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ": " + html + " " + failureSummary)))`);
  }

  /** By how many pixels the page is wider than its window. */
  excessWidth(): Promise<number> {
    return this.page.evaluate("document.documentElement.scrollWidth - innerWidth");
  }
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** As a link of the page would: no document is loaded anew. */
function goTo(path: string): string {
  return `history.pushState({}, "", "/console${path}"); dispatchEvent(new PopStateEvent("popstate"))`;
}
