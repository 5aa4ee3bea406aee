/** The first page, as a newcomer meets it: a real Chromium, a real server, the link that `npm start` prints. */
import { once } from "node:events";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { ask } from "../chaos/tenant.ts";
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

test("[L1] the page shows who is here, lets go of who was cut after 10 s, and does not flicker before", async (context) => {
  const { page, ada, bo, complaints } = await enter(await launchBrowser(context));
  await live(ada);
  await live(bo);
  await expectText(ada.locator(".here-count"), "2 here");
  await face(ada, "Bo").waitFor();
  await face(ada, "Ada (you)").waitFor();
  const changed = await changesOf(page, "[data-user=ada] .here");

  await bo.locator(".toggle").click();
  await expectText(bo.locator(".here-count"), "2 were here");
  await bo.locator(".toggle").click();
  await live(bo);
  await expectText(bo.locator(".here-count"), "2 here");

  const cutAtMs = Date.now();
  await bo.locator(".toggle").click();
  // Ada's connection tells in order: had he left, that would have come before.
  await write(ada, "Where are you?");
  await expectText(said(ada, "Where are you?").locator(".delivery"), /^stored/);
  expect(await changed()).toBe(0);
  await expectText(ada.locator(".here-count"), "1 here");
  expect(Date.now() - cutAtMs).toBeGreaterThan(9_500);
  expect(await face(ada, "Bo").count()).toBe(0);
  await expectText(ada.locator(".usher"), "Ada sees: Bo has left.");

  await bo.locator(".toggle").click();
  await face(ada, "Bo").waitFor();
  await expectText(ada.locator(".usher"), "Ada sees: Bo is here.");
  await ada.locator(".here summary").press("Enter");
  expect(await ada.locator(".names li:visible").allTextContents()).toEqual(["Ada (you)", "Bo"]);
  expect(complaints).toEqual([]);
});

test("[L1] [L3] the page finds a hole in who is here, and shows a crowd as a few and a number", async (context) => {
  const page = await openPage(await launchBrowser(context));
  const tellers: ((frame: object) => void)[] = [];
  let losing = false;
  let lost = 0;
  await page.routeWebSocket(/\/socket/, (socket) => {
    socket.connectToServer().onMessage((text) => {
      const frames: { type: string }[] = [JSON.parse(String(text))].flat();
      const kept = frames.filter(({ type }) => !(losing && type === "presence"));
      lost += frames.length - kept.length;
      if (kept.length > 0) socket.send(JSON.stringify(kept));
    });
    tellers.push((frame) => socket.send(JSON.stringify(frame)));
  });
  const tell = (frame: object): void => tellers.forEach((teller) => teller({ type: "presence", ...frame }));
  await page.goto(`${server.url}/#key=${server.demoKey}`);
  const ada = page.locator("[data-user=ada]");
  const count = ada.locator(".here-count");
  await live(ada);
  await live(page.locator("[data-user=bo]"));
  await expectText(count, "2 here");
  losing = true;
  const cy = await visit("cy", "Cy");
  await expect.poll(() => lost).toBe(2);
  losing = false;
  const di = await visit("di", "Di");
  await expectText(count, "4 here");
  for (const name of ["Ada (you)", "Bo", "Cy", "Di"]) await face(ada, name).waitFor();

  const nobody = { joined: [], updated: [], left: [] };
  const sample = Array.from({ length: 50 }, (_, index) => ({
    user: `u${index}`,
    name: null,
    state: {},
    connections: 1,
  }));
  tell({ ...nobody, version: 1_000_000, count: 5_000, sample });
  await expectText(count, "5,000 here");
  expect(await ada.locator(".face").count()).toBe(6);
  expect((await ada.locator(".names li").allTextContents()).at(-1)).toBe("and 4,950 more");
  // The crowd is gone: there is a list again, and the hole by which that is noticed.
  tell({ ...nobody, version: 1_000_002, count: 4, left: ["u1"] });
  await expectText(count, "4 here");
  await face(ada, "Di").waitFor();
  cy.close();
  di.close();
});

test("[L6] the page shows who is typing until the message is there, the field is empty, or the time is over", async (context) => {
  const page = await openPage(await launchBrowser(context));
  const sent = framesSent(page, "typing");
  await page.clock.install();
  await page.goto(`${server.url}/#key=${server.demoKey}`);
  const ada = page.locator("[data-user=ada]");
  const bo = page.locator("[data-user=bo]");
  const shown = ada.locator(".typing");
  const field = bo.getByLabel("Message as");
  // The server tells of a start at most once a second, and so does the page with the next key.
  const startTyping = async (): Promise<void> => {
    const typeOn = async (): Promise<string | null> => {
      await field.press("x");
      return shown.textContent();
    };
    await expect.poll(typeOn, { timeout: 15_000, interval: 200 }).toBe("Bo is typing…");
  };
  await live(ada);
  await live(bo);
  await expectText(shown, "");

  await field.pressSequentially("Good day");
  await expectText(shown, "Bo is typing…");
  expect(await bo.locator(".typing").textContent()).toBe("");
  expect(sent()).toEqual([{ type: "typing", active: true }]);
  await field.press("Enter");
  await shows(ada, "Good day");
  await expectText(shown, "");

  await startTyping();
  await field.fill("");
  await expectText(shown, "");
  expect(sent().at(-1)).toEqual({ type: "typing", active: false });

  await startTyping();
  const told = sent().length;
  await page.clock.runFor(8_000);
  await expectText(shown, "");
  expect(sent().length).toBe(told);
});

test("[L7] the page tells how far it was read while it was looked at, and shows it to the sender", async (context) => {
  const page = await openPage(await launchBrowser(context));
  const sent = framesSent(page, "read");
  await page.addInitScript(
    `globalThis.looking = true;
    Object.defineProperty(document, "visibilityState", { get: () => (looking ? "visible" : "hidden") });`,
  );
  await page.goto(`${server.url}/#key=${server.demoKey}`);
  const ada = page.locator("[data-user=ada]");
  const bo = page.locator("[data-user=bo]");
  const mark = (text: string): Locator => said(ada, text).locator(".read");
  await live(ada);
  await live(bo);
  await write(ada, "Read this");
  await expectText(mark("Read this"), "read by Bo");
  expect(await said(bo, "Read this").locator(".read").textContent()).toBe("");

  // Many messages of one moment are few frames, and the newest carries the mark.
  const sinceMs = Date.now();
  const before = sent().length;
  for (const text of ["1st", "2nd", "3rd", "4th", "5th"]) await write(ada, text);
  await expectText(mark("5th"), "read by Bo");
  expect(sent().length - before).toBeLessThanOrEqual(2 + Math.floor((Date.now() - sinceMs) / 1_000));
  expect(await ada.locator(".read:not(:empty)").count()).toBe(1);

  await page.evaluate("looking = false");
  const seen = sent().length;
  await write(ada, "Not looked at");
  await shows(bo, "Not looked at");
  await write(bo, "Later than that");
  await shows(ada, "Later than that");
  expect(sent().length).toBe(seen);
  expect(await mark("Not looked at").textContent()).toBe("");
  await page.evaluate("looking = true; document.dispatchEvent(new Event('visibilitychange'))");
  await expectText(mark("Not looked at"), "read by Bo");
  await expectText(said(bo, "Later than that").locator(".read"), "read by Ada");

  // Joining tells it as well.
  await page.reload();
  await expectText(mark("Not looked at"), "read by Bo");
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

/** One more user in the room, without a page. */
async function visit(user: string, name: string): Promise<WebSocket> {
  const { token } = await ask<{ token: string }>(`${server.url}/v1/tokens`, {
    method: "POST",
    credential: server.demoKey,
    body: { user, name, rooms: { general: ["read", "presence"] } },
  });
  const url = `${server.url.replace("http", "ws")}/v1/rooms/general/socket`;
  const socket = new WebSocket(url, ["parley.v1", `bearer.${token}`]);
  onTestFinished(() => socket.terminate());
  await once(socket, "open");
  return socket;
}

/** What the page sends of one type, by both columns. */
function framesSent(page: Page, type: string): () => unknown[] {
  const frames: { type: string }[] = [];
  page.on("websocket", (socket) =>
    socket.on("framesent", ({ payload }) => frames.push(...[JSON.parse(String(payload))].flat())),
  );
  return () => frames.filter((frame) => frame.type === type);
}

/** How often an element has changed since, in any way. */
async function changesOf(page: Page, selector: string): Promise<() => Promise<unknown>> {
  await page.evaluate(
    `globalThis.changes = [];
    new MutationObserver((records) => changes.push(...records)).observe(
      document.querySelector("${selector}"),
      { attributes: true, characterData: true, childList: true, subtree: true },
    );`,
  );
  return () => page.evaluate("changes.length");
}

function face(column: Locator, title: string): Locator {
  return column.locator(`.face[title="${title}"]`);
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
