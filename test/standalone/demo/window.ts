/** A window of the chat demo, as one of its people sees it. */
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { expect } from "vitest";
import type { Server } from "../../support/process.ts";

const withinMs = 20_000;

/** What Chromium says by itself of a connection that breaks, or of a key that is refused. */
const ofTheNetwork = [/net::ERR_[A-Z_]+/, /^WebSocket connection to '[^']+' failed/, /status of 401 \(Unauthorized\)/];

export interface WindowOptions {
  /** Alone, or side by side. */
  readonly as?: "ada" | "bo";
  readonly colorScheme?: "light" | "dark";
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly key?: string;
}

export class DemoWindow {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Requests to any other host. */
  readonly strangers: string[] = [];
  readonly #complaints: string[] = [];

  constructor(context: BrowserContext, page: Page, host: string) {
    this.context = context;
    this.page = page;
    page.setDefaultTimeout(withinMs);
    page.on("console", (line) => {
      if (["error", "warning"].includes(line.type())) this.#complaints.push(line.text());
    });
    page.on("pageerror", ({ message }) => this.#complaints.push(message));
    page.on("dialog", (dialog) => {
      this.#complaints.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    for (const event of ["request", "websocket"] as const)
      page.on(event as "request", (asked) => {
        const { protocol, host: other } = new URL(asked.url());
        if (protocol !== "blob:" && other !== host) this.strangers.push(asked.url());
      });
  }

  /** What was not about the network. */
  get complaints(): string[] {
    return this.#complaints.filter((text) => !ofTheNetwork.some((expected) => expected.test(text)));
  }

  pane(user: "ada" | "bo"): Pane {
    return new Pane(this.page.locator(`[data-user=${user}]`));
  }
}

export async function openWindow(browser: Browser, server: Server, options: WindowOptions = {}): Promise<DemoWindow> {
  const { as, key = server.demoKey, ...rest } = options;
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...rest });
  const opened = new DemoWindow(context, await context.newPage(), new URL(server.url).host);
  await opened.page.goto(`${server.url}/demo/${as === undefined ? "" : `?as=${as}`}#key=${key}`);
  return opened;
}

export class Pane {
  readonly place: Locator;

  constructor(place: Locator) {
    this.place = place;
  }

  get log(): Locator {
    return this.place.getByRole("log");
  }

  get field(): Locator {
    return this.place.getByLabel("Message as");
  }

  get texts(): Promise<string[]> {
    return this.place.locator(".text").allTextContents();
  }

  async open(room: string): Promise<void> {
    await this.place.getByRole("navigation", { name: "Rooms" }).getByText(room).click();
    await this.live(room);
  }

  async live(room = "general"): Promise<void> {
    await this.place.locator(`.log[aria-label="Messages in ${room}"][data-status=live]`).waitFor();
  }

  async write(text: string): Promise<void> {
    await this.field.fill(text);
    await this.field.press("Enter");
  }

  message(text: string): Locator {
    const page = this.place.page();
    const has = page.locator(".text").and(page.getByText(text, { exact: true }));
    return this.place.locator(".message").filter({ has });
  }

  async shows(text: string): Promise<void> {
    await this.message(text).first().waitFor();
  }

  async stored(text: string): Promise<void> {
    await this.place.locator(".message.stored").filter({ hasText: text }).first().waitFor();
  }

  async press(text: string, selector: string): Promise<void> {
    await this.message(text).hover();
    await this.message(text).locator(selector).click();
  }

  async eventually(selector: string, wanted: string | RegExp): Promise<void> {
    const found = this.place.locator(selector);
    const said = expect.poll(async () => (await found.allTextContents()).join(" | "), {
      timeout: withinMs,
      interval: 30,
    });
    await (typeof wanted === "string" ? said.toBe(wanted) : said.toMatch(wanted));
  }
}
