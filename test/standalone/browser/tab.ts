/** A tab of a real browser in which a page reads rooms; see `reader.js`. */
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { expect } from "vitest";

const withinMs = 20_000;

/** What Chromium says by itself of a connection that breaks, or of a comeback without an id that is sent away. */
const expectedComplaints = [
  /^Failed to load resource: net::ERR_[A-Z_]+$/,
  /^Failed to load resource: the server responded with a status of 401 \(Unauthorized\)$/,
  /^WebSocket connection to '[^']+' failed: /,
];

export interface ReaderOptions {
  /** By EventSource or by WebSocket. */
  readonly by: "events" | "socket";
  /** The page's own when it is not given. */
  readonly server?: string;
  readonly rooms: readonly string[];
  readonly many?: boolean;
  readonly token: string;
}

/** As `reader.js` has it. */
export interface Report {
  readonly rooms: Readonly<Record<string, { readonly seq: number; readonly isOver: boolean }>>;
  readonly opened: number;
  readonly isOver: boolean;
  /** The codes of a WebSocket's ends. */
  readonly closes?: readonly number[];
  /** What an EventSource's `readyState` was at each error, or the codes of a WebSocket's `error` frames. */
  readonly errors: readonly (number | string)[];
}

/** In which every page has the readers. */
export async function newContext(browser: Browser): Promise<BrowserContext> {
  const context = await browser.newContext();
  await context.addInitScript({ path: join(import.meta.dirname, "reader.js") });
  return context;
}

/** A page of this origin. */
export async function openTab(context: BrowserContext, origin: string): Promise<Tab> {
  const page = await context.newPage();
  const tab = new Tab(page);
  await page.goto(`${origin}/`);
  return tab;
}

/** A page of this origin that reads. */
export async function openReader(context: BrowserContext, origin: string, options: ReaderOptions): Promise<ReaderTab> {
  const page = await context.newPage();
  const tab = new ReaderTab(page, options);
  await page.goto(`${origin}/`);
  await page.evaluate(
    `{ globalThis.reader = new readers.${options.by}(${JSON.stringify(options)}); void reader.open(); }`,
  );
  return tab;
}

export class Tab {
  readonly page: Page;
  /** What the page wrote to the console as an error or warning, and what it threw. */
  readonly complaints: string[] = [];
  readonly #addresses: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on("console", (line) => {
      if (["error", "warning"].includes(line.type())) this.complaints.push(line.text());
    });
    page.on("pageerror", ({ message }) => this.complaints.push(message));
    page.on("request", (request) => this.#addresses.push(request.url()));
    page.on("websocket", (socket) => this.#addresses.push(socket.url()));
  }

  /** What was not only about a broken connection. */
  get unexpected(): string[] {
    return this.complaints.filter((text) => !expectedComplaints.some((expected) => expected.test(text)));
  }

  /** Where this was to be seen: in addresses, or on the console. */
  leaksOf(secret: string): string[] {
    return [...this.complaints, ...this.#addresses].filter((text) => text.includes(secret));
  }
}

export class ReaderTab extends Tab {
  readonly options: ReaderOptions;

  constructor(page: Page, options: ReaderOptions) {
    super(page);
    this.options = options;
  }

  get name(): string {
    const { by, rooms, many } = this.options;
    return `${by} of ${many === true ? `many: ${rooms.join()}` : rooms.join()}`;
  }

  report(): Promise<Report> {
    return this.page.evaluate<Report>("reader.report()");
  }

  /** Waits until its report is like this. */
  async says(wanted: Record<string, unknown>): Promise<void> {
    await expect.poll(() => this.report(), { timeout: withinMs, message: this.name }).toMatchObject(wanted);
  }
}

export type Standings = ReadonlyMap<ReaderTab, { readonly opened: number; readonly ends: number }>;

/** How often each had a connection open, and how often one broke or could not be made. */
export async function standings(tabs: readonly ReaderTab[]): Promise<Standings> {
  const standing = async (tab: ReaderTab) => {
    const { opened, closes, errors } = await tab.report();
    return [tab, { opened, ends: (closes ?? errors).length }] as const;
  };
  return new Map(await Promise.all(tabs.map(standing)));
}

/** Waits until a count of each tab, or of so many of them, has grown by so much. */
export async function grown(
  count: "opened" | "ends",
  before: Standings,
  tabs: readonly ReaderTab[],
  { by = 1, inTabs = tabs.length } = {},
): Promise<void> {
  const growth = async (): Promise<number> => {
    const now = await standings(tabs);
    const of = (tab: ReaderTab, standing: Standings): number => standing.get(tab)?.[count] ?? 0;
    return tabs.filter((tab) => of(tab, now) - of(tab, before) >= by).length;
  };
  await expect.poll(growth, { timeout: withinMs, message: `${count} grew in tabs` }).toBeGreaterThanOrEqual(inTabs);
}

/** Waits until each holds its rooms up to these messages. In the rooms nothing happens but messages. */
export async function hold(tabs: readonly ReaderTab[], heads: Readonly<Record<string, number>>): Promise<void> {
  const lagging = async (): Promise<string[]> => {
    const reports = await Promise.all(tabs.map(async (tab) => ({ tab, rooms: (await tab.report()).rooms })));
    return reports.flatMap(({ tab, rooms }) =>
      Object.entries(rooms)
        .filter(([room, { seq }]) => seq < (heads[room] ?? 0))
        .map(([room, { seq }]) => `${tab.name} holds ${room} to ${seq}, not ${heads[room]}`),
    );
  };
  await expect.poll(lagging, { timeout: withinMs }).toEqual([]);
}
