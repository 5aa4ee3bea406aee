/** The hooks in a real Chromium, in strict mode, against a real server. */
import { join } from "node:path";
import { build } from "esbuild";
import type { Browser, Locator, Page, WebSocketRoute } from "playwright-core";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { afterAll, beforeAll, expect, type TestContext, test } from "vitest";
import { createClient } from "../../src/client/client.ts";
import { ask, call, type LiveTenant, makeTenant } from "../chaos/tenant.ts";
import { startBrowser } from "../support/browser.ts";
import { type Server, startServer } from "../support/process.ts";
import { Greeting } from "./react/greeting.ts";

let server: Server;
let tenant: LiveTenant;
let script: string;
let browser: Browser | null;
const tokens: Record<string, string> = {};
beforeAll(async () => {
  [server, script, browser] = await Promise.all([startServer(), bundle(), startBrowser()]);
  tenant = await makeTenant(server, "acme");
  for (const [user, name] of [
    ["ada", "Ada"],
    ["bo", "Bo"],
  ] as const) {
    const body = { user, name, rooms: { "*": ["read", "publish", "presence"] } };
    const made = { method: "POST", credential: tenant.key, body };
    tokens[user] = (await ask<{ token: string }>(`${server.url}/v1/tokens`, made)).token;
  }
});
afterAll(async () => {
  await browser?.close();
  await server.remove();
});

test("[C21] a room is entered once for all components that show it, also in strict mode, and left when the last one has gone", async (context) => {
  const { page, sent, show } = await open(context);
  await show({ scene: "Messages", room: "one" }, { scene: "Here", room: "one" }, { scene: "Typing", room: "one" });
  await live(page, "one");
  expect(sent("join").length).toBe(1);

  // Others of the same room come in the same rendering in which the last one goes.
  await show({ scene: "Messages", room: "one", key: "anew" });
  await say("one", "still here");
  await items(page, "one", ["still here"]);
  expect([sent("join").length, sent("leave").length]).toEqual([1, 0]);

  await show({ scene: "Messages", room: "two", key: "anew" });
  await live(page, "two");
  await expect.poll(() => sent("leave").map(({ room }) => room)).toEqual(["one"]);
  expect(sent("join").map(({ room }) => room)).toEqual(["one", "two"]);

  await show({ scene: "Messages", room: "two", user: "bo", key: "anew" }, { scene: "Connection", room: "two" });
  await live(page, "two");
  await expect.poll(() => sent("leave").map(({ room }) => room)).toEqual(["one", "two"]);
  await expectText(page.getByLabel("connection").locator("p"), /^idle/);
});

test("[C22] the last messages are in the list, older ones when they are asked for, and those stay while new ones come", async (context) => {
  const first = Array.from({ length: 70 }, (_, index) => ({ text: `${index + 1}` }));
  const batch = { method: "POST", credential: tenant.key, user: "cy", body: { messages: first } };
  await ask(`${server.url}/v1/rooms/long/messages:batch`, batch);
  const { page, show } = await open(context);
  await show({ scene: "Messages", room: "long", window: 20 });
  const list = page.getByLabel("messages of long");
  const range = (from: number, to: number): string[] =>
    Array.from({ length: to - from + 1 }, (_, at) => `${from + at}`);
  await items(page, "long", range(51, 70));
  await say("long", "71");
  await items(page, "long", range(52, 71));

  await list.getByText("Older").click();
  await items(page, "long", range(32, 71));
  await say("long", "72");
  await items(page, "long", range(32, 72));
  // Beyond what the room has begun with they are fetched.
  await list.getByText("Older").click();
  await items(page, "long", range(12, 72));
  expect(await list.getAttribute("data-more")).toBe("true");
  await list.getByText("Older").click();
  await items(page, "long", range(1, 72));
  expect(await list.getAttribute("data-more")).toBe("false");
  await list.getByText("Latest").click();
  await items(page, "long", range(53, 72));
  expect(await list.getAttribute("data-more")).toBe("true");
});

test("[C23] one's own message stands in the list at once, and becomes the stored one without being built anew", async (context) => {
  const { page, show, hold } = await open(context);
  await show({ scene: "Messages", room: "own" });
  await live(page, "own");
  hold(true);
  for (const text of ["first", "second"]) await publish(page, "own", text);
  await items(page, "own", ["first", "second"]);
  expect(await deliveries(page, "own")).toEqual(["sending", "sending"]);
  await page.evaluate("globalThis.before = [...document.querySelectorAll('li')]");
  hold(false);
  await expect.poll(() => deliveries(page, "own")).toEqual(["stored", "stored"]);
  expect(await page.evaluate("[...document.querySelectorAll('li')].every((item, at) => item === before[at])")).toBe(
    true,
  );
  await items(page, "own", ["first", "second"]);
});

test("[C23] what the server refuses stays in the list with the reason, is sent again under its nonce, or is taken out", async (context) => {
  const { page, show, sent } = await open(context);
  await show({ scene: "Messages", room: "frozen" });
  await live(page, "frozen");
  await settings("frozen", { frozen: true });
  for (const text of ["try again", "forget it"]) await publish(page, "frozen", text);
  await expect.poll(() => deliveries(page, "frozen")).toEqual(["failed", "failed"]);
  expect(await page.locator("em").allTextContents()).toEqual(["room_frozen", "room_frozen"]);
  await settings("frozen", { frozen: false });
  await page.getByText("Discard").last().click();
  await page.getByText("Retry").click();
  await expect.poll(() => deliveries(page, "frozen")).toEqual(["stored"]);
  await items(page, "frozen", ["try again"]);
  const [first, , again] = sent("publish");
  expect(again?.nonce).toBe(first?.nonce);
});

test("[C24] a component is rendered again when what it shows has changed, never after its end, and all show the same", async (context) => {
  const { page, show, renders, sent, told, complaints } = await open(context);
  await show({ scene: "Messages", room: "calm" }, { scene: "Here", room: "calm" }, { scene: "Crowd", room: "calm" });
  await live(page, "calm");
  await expectText(page.getByLabel("here"), /ada/);
  // Who has just come is told of once more, whenever the server has the time.
  await expect.poll(() => told("presence").length).toBeGreaterThan(0);
  const before = await renders();
  for (let count = 0; count < 30; count++) await say("calm", `${count}`);
  await expectText(page.getByLabel("crowd").locator("i"), "30");
  const after = await renders();
  expect(after["here of calm"]).toBe(before["here of calm"]);
  expect(after["messages of calm"]).toBeGreaterThan(before["messages of calm"] ?? 0);
  await page.getByText("Away").click();
  await expectText(page.getByLabel("here"), /ada{"away":true}/);
  expect((await renders())["messages of calm"]).toBe(after["messages of calm"]);

  await publish(page, "calm", "the last");
  await show();
  // React ends them when it has the time.
  await expect.poll(() => page.locator("section").count()).toBe(0);
  const ended = await renders();
  await say("calm", "to nobody");
  await expect.poll(() => sent("leave").length).toBe(1);
  expect([await renders(), complaints()]).toEqual([ended, []]);
});

test("[C25] hooks tell who is here, who writes, and how the connection stands", async (context) => {
  const { page, show, sent, complaints } = await open(context);
  await show(
    { scene: "Typing", room: "life" },
    { scene: "Here", room: "life" },
    { scene: "Connection", room: "life" },
    { scene: "Here", room: "life", user: "bo" },
    { scene: "Typing", room: "life", user: "bo" },
  );
  await expectText(page.getByLabel("connection").locator("p"), "connected websocket false ");
  await expect.poll(() => page.getByLabel("here").first().getAttribute("data-count")).toBe("2");
  const field = page.getByLabel("text").first();
  await field.pressSequentially("Good");
  await expectText(page.getByLabel("typing").last().locator("p"), "ada:Ada");
  expect(await page.getByLabel("typing").first().locator("p").textContent()).toBe("");
  await field.fill("");
  await expectText(page.getByLabel("typing").last().locator("p"), "");
  expect(sent("typing").map(({ active }) => active)).toEqual([true, false]);

  // The longest pause: who does not want to wait says so.
  await page.evaluate("Math.random = () => 0.999");
  await server.kill();
  await expectText(page.getByLabel("connection").locator("p"), "waiting  true network");
  await server.start();
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await expectText(page.getByLabel("connection").locator("p"), "connected websocket false ");
  expect(complaints().filter((text) => !text.includes("WebSocket") && !text.includes("ERR_"))).toEqual([]);
});

test("[C26] a server renders what nobody has entered, without asking for a token, and a browser goes on from it", async (context) => {
  const getToken = (): never => {
    throw new Error("nobody asked for it");
  };
  const client = createClient({ url: server.url, getToken });
  const html = renderToString(createElement(Greeting, { client, room: "greeting" }));
  expect(html).toBe('<p data-status="idle">idle, 0 here, 0 typing: </p>');
  expect(client.state.name).toBe("idle");
  await say("greeting", "welcome");
  const { page, complaints } = await open(context);
  await page.evaluate(`driver.hydrate(${JSON.stringify(html)})`);
  await expectText(page.locator("main p"), "connected, 1 here, 0 typing: welcome");
  expect(complaints()).toEqual([]);
});

type Scene = {
  readonly scene: string;
  readonly room: string;
  readonly window?: number;
  readonly user?: string;
  readonly key?: string;
};

interface Frame {
  readonly type: string;
  readonly room?: string;
  readonly nonce?: string;
  readonly active?: boolean;
}

async function open(context: TestContext) {
  const page = await (browser ?? context.skip("no chromium")).newPage({ bypassCSP: true });
  context.onTestFinished(() => page.close());
  page.setDefaultTimeout(15_000);
  const said: string[] = [];
  page.on("pageerror", ({ message }) => said.push(message));
  page.on("console", (line) => line.type() === "error" && said.push(line.text()));
  await page.route(`${server.url}/token/*`, async (route) => {
    await route.fulfill({ body: tokens[route.request().url().split("/").at(-1) ?? ""] ?? "" });
  });
  const frames: Frame[] = [];
  const heard: Frame[] = [];
  const held: [WebSocketRoute, string | Buffer][] = [];
  let isHeld = false;
  await page.routeWebSocket(/\/v1\/socket/, (socket) => {
    const upstream = socket.connectToServer();
    socket.onMessage((text) => {
      frames.push(...[JSON.parse(String(text))].flat());
      upstream.send(text);
    });
    upstream.onMessage((text) => {
      if (isHeld) return void held.push([socket, text]);
      socket.send(text);
      heard.push(...[JSON.parse(String(text))].flat());
    });
  });
  // Any page of the same origin that has nothing to say itself.
  await page.goto(`${server.url}/errors`);
  await page.evaluate("document.body.replaceChildren()");
  await page.evaluate(script);
  return {
    page,
    sent: (type: string) => frames.filter((frame) => frame.type === type),
    told: (type: string) => heard.filter((frame) => frame.type === type),
    show: (...wanted: readonly Scene[]) => page.evaluate(`driver.show(${JSON.stringify(wanted)})`),
    renders: () => page.evaluate<Record<string, number>>("driver.renders"),
    complaints: () => said,
    hold: (isTold: boolean) => {
      isHeld = isTold;
      for (const [socket, text] of held.splice(0)) socket.send(text);
    },
  };
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "react/page.tsx")],
    bundle: true,
    format: "iife",
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"development"' },
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

async function say(room: string, text: string): Promise<void> {
  const body = { text };
  await ask(`${server.url}/v1/rooms/${room}/messages`, { method: "POST", credential: tenant.key, user: "cy", body });
}

async function settings(room: string, body: object): Promise<void> {
  const answer = await call(`${server.url}/v1/rooms/${room}`, {
    method: "PUT",
    credential: tenant.key,
    body: { settings: body },
  });
  expect(answer.status).toBeLessThan(300);
}

async function live(page: Page, room: string): Promise<void> {
  await page.locator(`[aria-label="messages of ${room}"][data-status=live]`).waitFor();
}

async function publish(page: Page, room: string, text: string): Promise<void> {
  await page.evaluate(`{
    const button = document.querySelector("[aria-label='messages of ${room}'] .publish");
    button.value = ${JSON.stringify(text)};
    button.click();
  }`);
}

async function items(page: Page, room: string, wanted: readonly string[]): Promise<void> {
  const found = page.getByLabel(`messages of ${room}`).locator("li span");
  await expect.poll(() => found.allTextContents(), { timeout: 30_000 }).toEqual(wanted);
}

function deliveries(page: Page, room: string): Promise<string[]> {
  const found = `document.querySelectorAll("[aria-label='messages of ${room}'] li")`;
  return page.evaluate<string[]>(`[...${found}].map((item) => item.dataset.delivery)`);
}

async function expectText(locator: Locator, wanted: string | RegExp): Promise<void> {
  const found = expect.poll(() => locator.textContent(), { timeout: 30_000, interval: 20 });
  await (typeof wanted === "string" ? found.toBe(wanted) : found.toMatch(wanted));
}
