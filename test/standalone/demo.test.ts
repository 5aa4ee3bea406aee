/** The chat demo and the way to it, as a newcomer meets them: a real Chromium, a real server, the links that `npm start` prints. */
import { setTimeout as sleep } from "node:timers/promises";
import axe from "axe-core";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, type TestContext, test } from "vitest";
import { ask, makeTenant, wholeHistory } from "../chaos/tenant.ts";
import { launchBrowser, startBrowser } from "../support/browser.ts";
import { type Server, startServer } from "../support/process.ts";
import { type DemoWindow, openWindow, type WindowOptions } from "./demo/window.ts";

let server: Server;
let browser: Browser | null;
beforeAll(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await server.remove();
});

test("[S1] the first page leads on, and takes a key along without showing it", async (context) => {
  const { page, complaints, strangers } = await open(context, { key: "unused" });
  await page.goto(`${server.url}/#key=${server.demoKey}`);
  await expect.poll(() => page.url()).toBe(`${server.url}/`);
  expect(await page.content()).not.toContain(server.demoKey);
  expect(await page.locator("#origin").textContent()).toBe(server.url);
  await page.getByRole("link", { name: "Open the chat demo" }).click();
  await page.locator("[data-user=ada] .log[data-status=live]").waitFor();
  expect(page.url()).toBe(`${server.url}/demo/`);
  expect([complaints, strangers]).toEqual([[], []]);
});

test("[S1] a newcomer sees a message travel, change and go", async (context) => {
  const window = await open(context);
  const [ada, bo] = [window.pane("ada"), window.pane("bo")];
  await ada.live();
  await bo.live();
  await ada.write("Hello Bo");
  await bo.shows("Hello Bo");
  await ada.stored("Hello Bo");

  await ada.press("Hello Bo", ".edit");
  await ada.place.getByLabel("The message's text").fill("Hello again");
  await ada.place.getByLabel("The message's text").press("Enter");
  await bo.shows("Hello again");
  await bo.eventually(".edited", "edited");
  await bo.press("Hello again", ".chip >> nth=0");
  await ada.eventually(".chip.used", "👍 1");
  await bo.press("Hello again", ".reply");
  await bo.write("Good day, Ada");
  await ada.eventually(".quote", "Hello again");
  await ada.press("Hello again", ".delete");
  await bo.eventually(".deleted", "This message was deleted.");

  expect(new URL(window.page.url()).hash).toBe("");
  expect(await window.page.evaluate("JSON.stringify([localStorage.length, document.cookie])")).toBe('[0,""]');
  expect([window.complaints, window.strangers]).toEqual([[], []]);
});

test("[A7] the page says why a key is refused, and keeps neither it nor its address", async (context) => {
  const { page, pane } = bound(await open(context, { key: `${server.demoKey.slice(0, -4)}xxxx` }));
  await expect
    .poll(() => page.locator("#gate-error").textContent())
    .toMatch(/^The token or API key is not valid\. \(401, token_invalid, request .+\)$/);
  expect([new URL(page.url()).hash, await page.evaluate("sessionStorage.length")]).toEqual(["", 0]);
  await page.getByLabel("API key").fill(server.demoKey);
  await page.getByRole("button", { name: "Open the room" }).click();
  await pane("ada").live();
  // A reload of the tab must not ask again.
  await page.reload();
  await pane("ada").live();
});

test("[C39] a link signs in a tab where nobody is, and says to whom; where somebody is it asks first, and keeps what was", async (context) => {
  const other = await makeTenant(server, "foreign");
  const window = await open(context);
  const { page, pane } = bound(window);
  await pane("ada").live();
  const tenant = page.locator(".tenant b");
  expect(await tenant.innerText()).toBe("demo");
  await pane("ada").field.fill("half written");
  const dialog = page.getByRole("dialog", { name: "Sign in with another key?" });
  const link = async (): Promise<void> => {
    await page.evaluate(`location.hash = "#key=${other.key}"`);
    await dialog.getByText("You are signed in to demo. This link signs you in to foreign.").waitFor();
    expect(new URL(page.url()).hash).toBe("");
  };
  await link();
  await serious(page, "the question");
  // What has the focus is to keep.
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "hidden" });
  await link();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  expect(await pane("ada").field.inputValue()).toBe("half written");
  await page.goto("about:blank");
  await page.goto(`${server.url}/demo/#key=${other.key}`);
  await dialog.waitFor();
  await page.reload();
  await pane("ada").live();
  expect([await tenant.innerText(), await dialog.count()]).toEqual(["demo", 0]);
  await link();
  await page.getByRole("button", { name: "Switch" }).click();
  await expect.poll(() => tenant.allInnerTexts()).toEqual(["foreign"]);
  await pane("ada").live();
  expect(window.complaints).toEqual([]);
});

test("[C29] [R2] [S2] two windows: what is written offline, and while the server is killed, is there once and in order", async (context) => {
  const windows = [await open(context, { as: "ada" }), await open(context, { as: "bo" })] as const;
  const [ada, bo] = [windows[0].pane("ada"), windows[1].pane("bo")];
  for (const pane of [ada, bo]) await pane.open("design");
  await windows[0].context.setOffline(true);
  for (const text of ["one", "two", "three"]) await ada.write(text);
  await bo.write("meanwhile");
  await bo.stored("meanwhile");
  expect(await ada.place.locator(".message.sending").count()).toBe(3);
  expect(await bo.texts).toEqual(["meanwhile"]);
  await windows[0].context.setOffline(false);
  await bo.shows("three");

  await server.kill();
  await ada.write("said to nobody");
  await bo.write("nor this");
  await server.start();
  for (const pane of [ada, bo]) {
    await pane.stored("said to nobody");
    await pane.stored("nor this");
  }
  await allHold("design", windows, 6);
  const texts = await ada.texts;
  expect(texts.filter((text) => ["one", "two", "three"].includes(text))).toEqual(["one", "two", "three"]);
  for (const { complaints, strangers } of windows) expect([complaints, strangers]).toEqual([[], []]);
});

test("[C30] a tab that slept while its connection died, and others spoke, loses nothing and gets nothing twice", async (context) => {
  const first = await open(context, { as: "ada" });
  const before = await renderers();
  const windows = [first, await open(context, { as: "bo" })] as const;
  const [ada, bo] = [windows[0].pane("ada"), windows[1].pane("bo")];
  for (const pane of [ada, bo]) await pane.open("random");
  await ada.write("before");
  await bo.stored("before");
  // A page that is seen is never frozen, and without a screen every page is seen: its process is stopped instead.
  const asleep = (await renderers()).filter((pid) => !before.includes(pid));
  expect(asleep.length).toBeGreaterThan(0);
  const wake = (): void => asleep.forEach((pid) => process.kill(pid, "SIGCONT"));
  context.onTestFinished(wake);
  for (const pid of asleep) process.kill(pid, "SIGSTOP");
  for (let count = 1; count <= 3; count++) await ada.write(`asleep ${count}`);
  await ada.stored("asleep 3");
  await server.kill();
  await server.start();
  for (let count = 4; count <= 5; count++) await ada.write(`asleep ${count}`);
  await ada.stored("asleep 5");
  await sleep(Number(process.env["PARLEY_SLEEP_MS"] ?? 0));
  wake();
  await bo.stored("asleep 5");
  await bo.write("awake again");
  await ada.stored("awake again");
  await allHold("random", windows, 7);
  for (const { complaints } of windows) expect(complaints).toEqual([]);
});

test("[C45] a page that is gone back to is the one that was left, and has what was said meanwhile, once", async (context) => {
  const browserThatKeeps = await launchBrowser(context, { keepsPages: true });
  const window = await openWindow(browserThatKeeps, server, { as: "ada" });
  const { page, pane } = bound(window);
  const ada = pane("ada");
  await ada.live();
  await ada.write("before one leaves");
  await ada.stored("before one leaves");
  const expected = ["before one leaves"];
  const wasKept = (): Promise<unknown> => page.evaluate("globalThis.isThePageThatWasLeft");
  // A browser keeps pages while it has room for them, and may have none just now.
  for (let turn = 1; turn <= 3; turn++) {
    await page.evaluate("globalThis.isThePageThatWasLeft = true");
    await ada.field.fill("half written");
    await page.goto(`${server.url}/health`);
    await say("general", "bo", `while away ${turn}`);
    await page.goBack({ waitUntil: "commit" });
    await ada.shows(`while away ${turn}`);
    expected.push(`while away ${turn}`);
    if ((await wasKept()) === true) break;
  }
  expect([await wasKept(), await ada.field.inputValue()]).toEqual([true, "half written"]);
  await ada.write("back from there");
  await ada.stored("back from there");
  expect((await ada.texts).slice(-expected.length - 1)).toEqual([...expected, "back from there"]);
  expect([window.complaints, window.strangers]).toEqual([[], []]);
});

test("[C31] older messages come when one scrolls up, what is refused is sent again, and files are shown", async (context) => {
  for (let count = 1; count <= 90; count++) await say("general", `user${count % 6}`, `line ${count}`);
  const { page, pane } = bound(await open(context, { as: "ada" }));
  const ada = pane("ada");
  await ada.shows("line 90");
  // The one that is seen on top stays where it is.
  const top = (): Promise<number> =>
    page.evaluate(
      "[...document.querySelectorAll('.text')].find(({ textContent }) => textContent === 'line 51').getBoundingClientRect().top",
    );
  await page.evaluate("document.querySelector('.log').scrollTop = 20");
  const before = await page.evaluate<number>("document.querySelectorAll('.message').length");
  const wasAt = await top();
  await expect
    .poll(() => page.evaluate<number>("document.querySelectorAll('.message').length"))
    .toBeGreaterThan(before);
  expect(Math.abs((await top()) - wasAt)).toBeLessThan(2);

  await freeze(true);
  await ada.write("not now");
  await ada.eventually(".message.failed .facts", /frozen.*RetryDiscard/);
  await freeze(false);
  await ada.message("not now").getByText("Retry").click();
  await ada.stored("not now");

  const picture = Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGNk+M8ARAwQCgAZ1AIAmG5gEQAAAABJRU5ErkJggg==",
    "base64",
  );
  const files = [
    { name: "picture.png", mimeType: "image/png", buffer: picture },
    { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("notes") },
  ];
  await page.setInputFiles("[data-user=ada] input[type=file]", files);
  await ada.place.getByRole("button", { name: "Send" }).click();
  await expect.poll(() => page.evaluate("document.querySelector('img.picture')?.naturalWidth")).toBe(2);
  const download = page.waitForEvent("download");
  await ada.place.locator(".download").click();
  expect((await download).suggestedFilename()).toBe("notes.txt");
  expect(await ada.place.locator(".uploads li").count()).toBe(0);
});

test("[C32] what others write, are called and send stays text, under a policy without anything inline", async (context) => {
  const attack = `<img src=x onerror="alert(1)"><script>alert(1)</script>`;
  const made = await ask<{ token: string }>(`${server.url}/v1/tokens`, {
    method: "POST",
    credential: server.demoKey,
    body: { user: "mallory", name: attack, rooms: { "*": ["read", "publish", "upload", "react"] } },
  });
  const window = await open(context, { as: "ada" });
  const ada = window.pane("ada");
  await ada.live();
  const file = { name: `${attack}.svg`, type: "image/svg+xml", size: 5 };
  const way = await ask<{ upload: string; put: { url: string } }>(`${server.url}/v1/rooms/general/uploads`, {
    method: "POST",
    credential: made.token,
    body: { ...file, name: file.name.replaceAll("/", "") },
  });
  const bytes = {
    method: "PUT",
    headers: { Authorization: `Bearer ${made.token}`, "Content-Type": "application/octet-stream" },
    body: "<svg>",
  };
  expect((await fetch(server.url + way.put.url, bytes)).status).toBeLessThan(300);
  for (const text of [attack, "javascript:alert(1)", `"><svg onload=alert(1)>`])
    await ask(`${server.url}/v1/rooms/general/messages`, {
      method: "POST",
      credential: made.token,
      body: { text, attachments: text === attack ? [way.upload] : [] },
    });
  await ada.shows(`"><svg onload=alert(1)>`);
  await ada.shows(attack);
  await ada.eventually(".sender >> nth=-1", attack);
  expect(await window.page.locator(".log :is(img:not(.picture), script, svg, a)").count()).toBe(0);
  expect(window.complaints).toEqual([]);
  const { headers } = await fetch(`${server.url}/demo/`);
  expect(headers.get("Content-Security-Policy")).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
  expect(headers.get("Content-Security-Policy")).not.toContain("unsafe");
});

test("[C32] it is read and used without a mouse, in light and dark, and on a phone", async (context) => {
  for (const colorScheme of ["light", "dark"] as const) {
    const { page, pane } = bound(await open(context, { colorScheme }));
    await pane("ada").live();
    await pane("bo").live();
    await serious(page, `demo in ${colorScheme}`);
    await page.setViewportSize({ width: 390, height: 844 });
    await serious(page, `demo on a phone in ${colorScheme}`);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
    await page.goto(`${server.url}/`);
    await serious(page, `first page in ${colorScheme}`);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
  }
  const { page, pane } = bound(await open(context, { as: "bo" }));
  const bo = pane("bo");
  await bo.live();
  await bo.field.focus();
  await page.keyboard.type("by key");
  await page.keyboard.press("Enter");
  await bo.stored("by key");
  await bo.message("by key").getByRole("button", { name: "Edit" }).focus();
  await page.keyboard.press("Enter");
  await page.keyboard.type(" alone");
  await page.keyboard.press("Enter");
  await bo.stored("by key alone");
});

test("[L1] [L6] [L7] the page shows who is here, who is writing, and how far it was read while it was looked at", async (context) => {
  const windows = [await open(context, { as: "ada" }), await open(context, { as: "bo" })] as const;
  const [ada, bo] = [windows[0].pane("ada"), windows[1].pane("bo")];
  await windows[1].page.evaluate(`globalThis.looking = false;
    Object.defineProperty(document, "visibilityState", { get: () => (looking ? "visible" : "hidden") });`);
  for (const pane of [ada, bo]) await pane.open("design");
  await ada.eventually(".count", "2 here");
  await ada.eventually(".names li", "Ada (you) | Bo");

  await bo.field.pressSequentially("Good");
  await ada.eventually(".typing", "Bo is typing…");
  expect(await bo.place.locator(".typing").textContent()).toBe("");
  await bo.field.press("Enter");
  await ada.shows("Good");
  await ada.eventually(".typing", "");

  await ada.write("Read this");
  await bo.shows("Read this");
  await sleep(400);
  expect(await ada.message("Read this").locator(".read").count()).toBe(0);
  await windows[1].page.evaluate("looking = true; document.dispatchEvent(new Event('visibilitychange'))");
  await ada.eventually(".read", "read by Bo");
});

async function open(context: TestContext, options: WindowOptions = {}): Promise<DemoWindow> {
  const window = await openWindow(browser ?? context.skip("no chromium"), server, options);
  context.onTestFinished(() => window.context.close());
  return window;
}

function bound(window: DemoWindow): { page: DemoWindow["page"]; pane: DemoWindow["pane"] } {
  return { page: window.page, pane: (user) => window.pane(user) };
}

/** Each window shows what the server has, in its order and once. */
async function allHold(room: string, windows: readonly [DemoWindow, DemoWindow], count: number): Promise<void> {
  const history = (await wholeHistory({ url: server.url, key: server.demoKey }, room)).map(({ text }) => text);
  expect([history.length, new Set(history).size]).toEqual([count, count]);
  for (const [index, user] of (["ada", "bo"] as const).entries())
    await expect.poll(() => windows[index]?.pane(user).texts, { timeout: 20_000 }).toEqual(history);
}

/** The processes in which pages run. */
async function renderers(): Promise<number[]> {
  const session = await browser?.newBrowserCDPSession();
  const { processInfo = [] } = (await session?.send("SystemInfo.getProcessInfo")) ?? {};
  await session?.detach();
  return processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
}

async function serious(page: DemoWindow["page"], where: string): Promise<void> {
  await page.evaluate(axe.source);
  const found = await page.evaluate<string[]>(`axe.run().then(({ violations }) => violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html).join(" ")))`);
  expect([where, found]).toEqual([where, []]);
}

async function say(room: string, user: string, text: string): Promise<void> {
  const body = { text };
  await ask(`${server.url}/v1/rooms/${room}/messages`, { method: "POST", credential: server.demoKey, user, body });
}

async function freeze(frozen: boolean): Promise<void> {
  const body = { settings: { frozen } };
  await ask(`${server.url}/v1/rooms/general`, { method: "PUT", credential: server.demoKey, body });
}
