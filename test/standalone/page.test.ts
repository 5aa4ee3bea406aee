/** The first page, as a newcomer meets it: a real Chromium, a real server, the link that `npm start` prints. */
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { type Server, startServer } from "../support/process.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.remove();
});

test("[S1] a newcomer sees a message travel", async (context) => {
  const { page, ada, bo, complaints, strangers } = await enter(await launchBrowser(context));
  await live(ada);
  await live(bo);

  await write(ada, "Hello Bo");
  await shows(bo, "Hello Bo");
  await expectText(said(ada, "Hello Bo").locator(".delivery"), /^stored in \d+ ms$/);
  const number = await said(ada, "Hello Bo").locator(".seq").textContent();
  expect(number).toMatch(/^#\d+$/);
  expect(await said(bo, "Hello Bo").locator(".seq").textContent()).toBe(number);

  await press(said(ada, "Hello Bo"), ".edit");
  await ada.locator("textarea:visible").fill("Hello again");
  await ada.locator("textarea:visible").press("Enter");
  await shows(bo, "Hello again");
  await shows(ada, "Hello again");
  await expectText(said(bo, "Hello again").locator(".delivery"), "edited");

  await press(said(bo, "Hello again"), ".chip");
  await expectText(said(ada, "Hello again").locator(".chip"), "👍 1");
  await press(said(bo, "Hello again"), ".chip");
  await expectText(said(ada, "Hello again").locator(".chip"), "👍");

  await press(said(ada, "Hello again"), ".delete");
  await shows(bo, "deleted");
  expect(await said(bo, "Hello again").count()).toBe(0);

  expect(new URL(page.url()).hash).toBe("");
  expect(await page.evaluate("JSON.stringify([localStorage.length, document.cookie])")).toBe('[0,""]');
  expect(complaints).toEqual([]);
  expect(strangers).toEqual([]);
});

test("[R2] the page shows what was missed during a cut", async (context) => {
  const { ada, bo, complaints } = await enter(await launchBrowser(context));
  await live(ada);
  await live(bo);
  await bo.locator(".toggle").click();
  await expectText(bo.locator(".state-text"), "cut off");
  for (const text of ["one", "two", "three"]) await write(ada, text);
  await expectText(said(ada, "three").locator(".delivery"), /^stored/);
  await write(bo, "written while away");
  await expectText(said(bo, "written while away").locator(".delivery"), "waits for the connection");
  expect(await said(bo, "three").count()).toBe(0);

  await bo.locator(".toggle").click();
  await expectText(bo.locator(".note"), "resumed: 3 changes missed, none lost");
  for (const text of ["one", "two", "three"]) await shows(bo, text);
  await shows(ada, "written while away");
  await expectText(said(bo, "written while away").locator(".delivery"), /^stored/);
  const inOrder = ["one", "two", "three", "written while away"];
  expect((await ada.locator(".text").allTextContents()).slice(-4)).toEqual(inOrder);
  expect((await bo.locator(".text").allTextContents()).slice(-4)).toEqual(inOrder);
  expect(complaints).toEqual([]);
});

test("[S2] the page survives a kill of the server and sends what waits", async (context) => {
  const { ada, bo } = await enter(await launchBrowser(context));
  await live(ada);
  await live(bo);
  await server.kill();
  await expectText(ada.locator(".toggle"), "Reconnect now");
  await write(ada, "said to nobody");
  await server.start();
  await ada.locator(".toggle").click();
  await shows(bo, "said to nobody");
  expect(await said(bo, "said to nobody").count()).toBe(1);
});

test("[S1] what others write stays text on the page", async (context) => {
  const { page, ada, bo, complaints, strangers } = await enter(await launchBrowser(context));
  await live(bo);
  const attacks = [
    `<img src=x onerror="document.title='taken'">`,
    `<script>document.title='taken'</script>`,
    `javascript:alert(1)`,
    `"><svg onload=alert(1)>`,
  ];
  for (const attack of attacks) {
    await write(ada, attack);
    await shows(bo, attack);
  }
  expect(await page.title()).toBe("Parley");
  expect(await page.locator(".messages :is(img, script, svg)").count()).toBe(0);
  expect(complaints).toEqual([]);
  expect(strangers).toEqual([]);
});

test("[A7] the page says why a key is refused, and keeps neither it nor its address", async (context) => {
  const { page } = await enter(await launchBrowser(context), `${server.demoKey.slice(0, -4)}xxxx`);
  await expectText(
    page.locator("#gate-error"),
    /^The token or API key is not valid\. \(401, token_invalid, request .+\)$/,
  );
  expect(new URL(page.url()).hash).toBe("");
  expect(await page.evaluate("sessionStorage.length")).toBe(0);

  await page.getByLabel("API key").fill(server.demoKey);
  await page.getByRole("button", { name: "Open the room" }).click();
  await live(page.locator("[data-user=ada]"));
  // A reload of the tab must not ask again.
  await page.reload();
  await live(page.locator("[data-user=ada]"));
});

test("[R1] the page's reader comes back where something is missing, and from a connection that went silent", async (context) => {
  const browser = await launchBrowser(context);
  const page = await openPage(browser);
  const urls: string[] = [];
  let loseNext = false;
  let silent = false;
  let pongs = 0;
  await page.routeWebSocket(/\/socket/, (socket) => {
    urls.push(socket.url());
    const upstream = socket.connectToServer();
    upstream.onMessage((text) => {
      const frames: { type: string }[] = [JSON.parse(String(text))].flat();
      pongs += frames.filter(({ type }) => type === "pong").length;
      const kept = frames.filter(({ type }) => !(loseNext && type === "changes"));
      if (kept.length < frames.length) loseNext = false;
      if (!silent && kept.length > 0) socket.send(JSON.stringify(kept));
    });
  });
  // The longest pauses: a page that is back before the test looks is not seen to be away.
  await page.addInitScript("Math.random = () => 0.999");
  await page.clock.install();
  await page.goto(`${server.url}/#key=${server.demoKey}`);
  const ada = page.locator("[data-user=ada]");
  const bo = page.locator("[data-user=bo]");
  await live(ada);
  await live(bo);
  await ada.locator(".toggle").click();
  const before = urls.length;
  loseNext = true;
  await write(bo, "lost on the way");
  await write(bo, "makes the hole seen");
  await expectText(bo.locator(".toggle"), "Reconnect now");
  await page.clock.runFor(2_000);
  await shows(bo, "lost on the way");
  await shows(bo, "makes the hole seen");
  expect(urls.slice(before).every((url) => /cursor=[^&]+%3A\d+/.test(url))).toBe(true);

  // The first ping goes out at once, the next one 25 s later; its answer is waited for 10 s.
  await expect.poll(() => pongs, { timeout: 15_000 }).toBeGreaterThan(2);
  silent = true;
  await page.clock.runFor(24_000);
  await expectText(bo.locator(".state-text"), "live");
  await page.clock.runFor(11_500);
  await expectText(bo.locator(".state-text"), /^lost \(The connection went silent\.\)/);
  silent = false;
  await page.clock.runFor(2_000);
  await live(bo);
});

interface Visit {
  readonly page: Page;
  readonly ada: Locator;
  readonly bo: Locator;
  /** What the page wrote to the console as an error, and what it threw. */
  readonly complaints: string[];
  /** Requests to any other host. */
  readonly strangers: string[];
}

async function enter(browser: Browser, key = server.demoKey): Promise<Visit> {
  const page = await openPage(browser);
  const complaints: string[] = [];
  const strangers: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => note(strangers, request.url()));
  page.on("websocket", (socket) => note(strangers, socket.url()));
  await page.goto(`${server.url}/#key=${key}`);
  return { page, ada: page.locator("[data-user=ada]"), bo: page.locator("[data-user=bo]"), complaints, strangers };
}

async function openPage(browser: Browser): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultTimeout(15_000);
  return page;
}

function note(strangers: string[], address: string): void {
  const { host, protocol } = new URL(address);
  if (protocol !== "data:" && host !== new URL(server.url).host) strangers.push(address);
}

async function live(column: Locator): Promise<void> {
  await expectText(column.locator(".state-text"), "live");
}

async function write(column: Locator, text: string): Promise<void> {
  await column.getByLabel("Message as").fill(text);
  await column.getByLabel("Message as").press("Enter");
}

function said(column: Locator, text: string): Locator {
  return column.locator(".message").filter({ has: column.page().getByText(text, { exact: true }) });
}

async function shows(column: Locator, text: string): Promise<void> {
  await said(column, text).first().waitFor();
}

async function press(message: Locator, selector: string): Promise<void> {
  await message.hover();
  await message.locator(selector).click();
}

async function expectText(locator: Locator, wanted: string | RegExp): Promise<void> {
  const found = expect.poll(() => locator.textContent(), { timeout: 15_000, interval: 20 });
  await (typeof wanted === "string" ? found.toBe(wanted) : found.toMatch(wanted));
}
