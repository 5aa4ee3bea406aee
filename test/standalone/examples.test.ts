/** The examples, as their READMEs start them, against a real server and in a real browser. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, type TestContext, test } from "vitest";
import type { Message } from "../../src/protocol/message.ts";
import { ask, call, type LiveTenant, makeTenant, wholeHistory } from "../chaos/tenant.ts";
import { startBrowser } from "../support/browser.ts";
import { commandOf, endAll, Example, examplesFolder } from "../support/example.ts";
import { greeting, ModelServer } from "../support/modelServer.ts";
import { type Server, startServer } from "../support/process.ts";

const root = join(examplesFolder, "..");
const folder = mkdtempSync(join(tmpdir(), "parley-examples-"));
let server: Server;
let model: ModelServer;
let tenant: LiveTenant;

beforeAll(async () => {
  const building = promisify(execFile)(process.execPath, ["standalone/buildClient.ts"], { cwd: root });
  [server, model] = await Promise.all([startServer(), new ModelServer().start()]);
  tenant = await makeTenant(server, "examples");
  await building;
});
afterAll(async () => {
  endAll();
  model.close();
  rmSync(folder, { recursive: true });
  await server.remove();
});

const until = (read: () => unknown, timeout = 15_000) => expect.poll(read, { timeout, interval: 20 });
const say = (room: string, body: object): Promise<{ message: Message }> =>
  ask(`${server.url}/v1/rooms/${room}/messages`, { method: "POST", credential: tenant.key, user: "ada", body });

/** The commands of a README, with this server and this key. */
async function shell(name: string, holding: string): Promise<string> {
  const command = commandOf(name, holding).replaceAll("http://127.0.0.1:8787", server.url);
  const env = { ...process.env, KEY: tenant.key };
  return (await promisify(execFile)("sh", ["-euc", command.replaceAll("curl ", "curl -sS -m 10 ")], { env })).stdout;
}

/** One for all of these tests. */
let browser: Promise<Browser | null> | undefined;
afterAll(async () => (await browser)?.close());

/** Each a device of its own. */
async function open({ skip }: TestContext, address: string, count: number, watch?: (page: Page) => unknown) {
  browser ??= startBrowser();
  const chromium = (await browser) ?? skip("no chromium");
  return Promise.all(
    Array.from({ length: count }, async () => {
      const page = await (await chromium.newContext()).newPage();
      page.on("pageerror", (error) => expect.soft(String(error)).toBe(""));
      watch?.(page);
      await page.goto(address);
      return page;
    }),
  );
}

test("[C33] the bot answers once what it is asked, also what was asked while it was away, and killed in its midst", async () => {
  const env = { ROOM: "bot", BOT_FILE: join(folder, "bot.place") };
  const start = () => Example.start("bot", tenant, { ready: /^The bot listens/, env });
  const told = async (): Promise<string[]> =>
    (await wholeHistory(tenant, "bot")).map(({ text, replyTo }) => `${replyTo ?? "-"} ${text?.split(" ")[0]}`);
  // A reply is two changes: its own, and its question's, which has one more.
  await say("bot", { text: "!help, before it was there" });
  const bot = await start();
  await say("bot", { text: "!help" });
  await until(told).toEqual(["- !help,", "- !help", "2 I"]);
  await until(() => readFileSync(env.BOT_FILE, "utf8")).toBe("3");
  await bot.end();
  await say("bot", { text: "!time" });
  await say("bot", { text: "nothing to it" });
  const again = await start();
  const all = ["- !help,", "- !help", "2 I", "- !time", "- nothing", "5 When"];
  await until(told).toEqual(all);
  await until(() => readFileSync(env.BOT_FILE, "utf8")).toBe("7");
  await again.end();
  // As if it had been killed when both were stored and nothing was noted yet.
  writeFileSync(env.BOT_FILE, "1");
  const third = await start();
  await until(() => readFileSync(env.BOT_FILE, "utf8")).toBe("7");
  await say("bot", { text: "!time" });
  await until(told).toEqual([...all, "- !time", "9 When"]);
  await third.end();
});

test("[C34] pointers are shown to everybody else, fewer than they move, and stored nowhere", async (context) => {
  const example = await Example.start("cursors", tenant, { ready: /^open (\S+)/ });
  context.onTestFinished(() => example.end());
  let said = 0;
  const count = ({ payload }: { payload: unknown }): unknown => String(payload).includes("presence.set") && said++;
  const watch = (page: Page): unknown => page.on("websocket", (socket) => socket.on("framesent", count));
  const [ada, bo] = (await open(context, example.said, 2, watch)) as [Page, Page];
  await until(() => bo.textContent("#count")).toBe("Others who are here: 1");
  await ada.mouse.move(110, 120, { steps: 100 });
  await until(() => bo.locator(".cursor").getAttribute("style")).toContain("translate(110px, 120px)");
  expect(await ada.locator(".cursor").count()).toBe(0);
  expect(said).toBeGreaterThan(0);
  expect(said).toBeLessThan(100);
  await ada.evaluate("document.documentElement.dispatchEvent(new Event('pointerleave'))");
  await until(() => bo.locator(".cursor").count()).toBe(0);
  expect(await wholeHistory(tenant, "cursors")).toEqual([]);
});

test("[C35] the dashboard shows what curl publishes, goes on after its server was killed, and heeds the origins of its tenant", async (context) => {
  const html = readFileSync(join(examplesFolder, "dashboard/index.html"));
  const shop = createServer((_, response) => void response.setHeader("Content-Type", "text/html").end(html));
  await once(shop.listen(0, "127.0.0.1"), "listening");
  context.onTestFinished(() => void shop.close());
  const { port } = shop.address() as AddressInfo;
  const [page] = (await open(context, `http://127.0.0.1:${port}`, 1)) as [Page];
  await shell("dashboard", '"metric":"orders"');
  const { token } = JSON.parse(await shell("dashboard", "/v1/tokens")) as { token: string };
  await page.fill("[name=url]", server.url);
  await page.fill("[name=token]", token);
  await page.click("button");
  await until(() => page.textContent("#state")).toBe("Live");
  await until(() => page.textContent("output")).toBe("42");
  expect(await page.isVisible("form")).toBe(false);
  await server.kill();
  await server.start();
  for (const value of [43, 44]) await say("metrics", { data: { metric: "orders", value } });
  await until(() => page.textContent("output"), 20_000).toBe("44");
  const points = await page.locator("polyline").getAttribute("points");
  expect(points?.split(" ").map((point) => Number(point.split(",")[1]))).toEqual([100, 50, 0]);

  const origins = (listed: string[]): Promise<unknown> =>
    ask(`${server.url}/v1/tenant`, {
      method: "PATCH",
      credential: tenant.key,
      body: { settings: { origins: listed } },
    });
  await origins(["https://elsewhere.example"]);
  context.onTestFinished(() => void origins(["*"]));
  await page.reload();
  const headers = { Authorization: `Bearer ${token}`, Origin: `http://127.0.0.1:${port}` };
  await until(async () => (await fetch(`${server.url}/v1/limits`, { headers })).status).toBe(403);
  await page.fill("[name=url]", server.url);
  await page.fill("[name=token]", token);
  await page.click("button");
  await until(() => page.textContent("#state")).toMatch(/does not allow this page/);
});

test("[C36] a model's answer grows in every window, also one loaded in its midst, and is stopped from another device", async (context) => {
  const env = { MODEL_URL: model.url, MODEL_KEY: "sk-of-a-test" };
  const example = await Example.start("ai-stream", tenant, { ready: /^open (\S+)/, env });
  context.onTestFinished(() => example.end());
  const [ada, bo] = (await open(context, example.said, 2)) as [Page, Page];
  const answer = (page: Page) => page.locator("article p").last().textContent();
  const put = async (prompt: string): Promise<void> => {
    await ada.fill("[name=prompt]", prompt);
    await ada.click("#ask");
  };

  await put("endless talk");
  for (const page of [ada, bo]) await until(() => answer(page)).toMatch(/^word1 word2 .*word9 /);
  const before = (await answer(ada))?.length ?? 0;
  await ada.reload();
  await until(async () => (await answer(ada))?.length).toBeGreaterThan(before);
  await bo.click("#stop");
  for (const page of [ada, bo])
    await until(() => page.locator("article header").last().textContent()).toBe("The model, cancelled");
  await until(() => model.of("endless")[0]?.wasLeft).toBe(true);
  await until(() => bo.isDisabled("#stop")).toBe(true);
  expect(await answer(ada)).toMatch(/^word1 word2 .*word9 /);

  await put("slowly");
  for (const page of [ada, bo]) await until(() => answer(page)).toBe(greeting);
  await put("broken");
  for (const page of [ada, bo])
    await until(() => page.locator("article header").last().textContent()).toBe("The model, failed");
  expect(await answer(bo)).toBe("Half an ans");
  expect((await wholeHistory(tenant, "ai-stream")).map(({ status }) => status)).toEqual([
    "sent",
    "cancelled",
    "sent",
    "sent",
    "sent",
    "failed",
  ]);
});

test("[C38] a server gives tokens to who is signed in, for their own rooms, and the page comes in after that", async (context) => {
  const example = await Example.start("next-server", tenant, { ready: /^open (\S+)/ });
  context.onTestFinished(() => example.end());
  const post = (path: string, headers: Record<string, string> = {}, body?: object): Promise<Response> =>
    fetch(example.said + path, { method: "POST", headers, body: JSON.stringify(body) ?? null });
  const session = (await post("/api/session", {}, { user: "ada" })).headers.get("set-cookie")?.split(";")[0] ?? "";
  const [, signature = ""] = session.split(".");
  const cookies = ["", "session=ada.", "session=ada", `session=bo.${signature}`, `session=ada.${signature}x`];
  for (const cookie of cookies) expect((await post("/api/token", { cookie })).status).toBe(401);
  expect((await post("/api/session", {}, { user: "ada/bo" })).status).toBe(400);
  const { token } = (await (await post("/api/token", { cookie: `a=b; ${session}` })).json()) as { token: string };
  const publish = (room: string): Promise<Response> =>
    call(`${server.url}/v1/rooms/${room}/messages`, { method: "POST", credential: token, body: { text: "mine" } });
  expect((await publish("notes:ada")).status).toBe(201);
  expect((await publish("notes:bo")).status).toBe(403);

  const [page] = (await open(context, example.said, 1)) as [Page];
  await page.fill("[name=user]", "bo");
  await page.click("button");
  await page.fill("[name=text]", "Hello");
  await page.click("button");
  await until(() => page.textContent("li")).toBe("bo: Hello");
  expect(await page.textContent("[role=status]")).toBe("connected");
});
