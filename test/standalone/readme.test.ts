/** The README's snippets, taken from it word for word. Only the address and the key, which differ on every machine, are put in. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { type Server, startServer } from "../support/process.ts";

const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

function snippet(language: string, holding: string): string {
  const blocks = [...readme.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)];
  const found = blocks.find(([, of, text = ""]) => of === language && text.includes(holding));
  if (found?.[2] === undefined) throw new Error(`the README has no ${language} snippet with ${holding}`);
  return found[2].replaceAll("127.0.0.1:8787", new URL(server.url).host).replaceAll("parley_demo_…", server.demoKey);
}

function shell(script: string): string {
  return execFileSync("sh", ["-euc", script.replaceAll("curl ", "curl -sS -m 10 ")], { encoding: "utf8" });
}

test("[S1] [P3] the README's curl commands work as written, and the first one again is the same message", () => {
  const script = snippet("sh", "Hello from curl");
  const [published = "", page = ""] = shell(script).split(/(?<=\})(?=\{)/);
  expect(JSON.parse(published)).toMatchObject({ message: { text: "Hello from curl", nonce: "my-first-message" } });
  expect(JSON.parse(page)).toMatchObject({ messages: [{ text: "Hello from curl" }], hasMore: false });
  const [again = "", same = ""] = shell(script).split(/(?<=\})(?=\{)/);
  expect(JSON.parse(again).message).toEqual(JSON.parse(published).message);
  expect(JSON.parse(same).messages).toHaveLength(1);
});

test("[S1] [F1] the README's file is announced, put, carried by a message, and read by another user", () => {
  const answers = shell(`KEY=${server.demoKey}\n${snippet("sh", "Hello files")}`).split(/(?<=\})(?=[{H])/);
  const [ready = "", published = "", content] = answers;
  expect(JSON.parse(ready)).toMatchObject({ state: "ready", file: { name: "notes.txt", size: 11 } });
  expect(JSON.parse(published)).toMatchObject({ message: { text: "see", attachments: [{ name: "notes.txt" }] } });
  expect(content).toBe("Hello files");
});

test("[S1] [E2] [E6] the README's stream of events and its waiting for changes work as written", () => {
  const key = `KEY=${server.demoKey}\n`;
  const [stream = "", waiting = ""] = snippet("sh", "curl -N").trim().split("\n");
  // It never ends by itself.
  const events = shell(`${key}${stream} -m 2 2>/dev/null || true`);
  expect(events).toMatch(/^retry: \d+\n\nevent: welcome\n/);
  expect(events).toMatch(/\nid: \S+:\d+\nevent: changes\ndata: .*Hello from curl/);
  expect(JSON.parse(shell(`${key}${waiting}`))).toMatchObject({ from: 0, hasMore: false });
});

test("[S1] [A12] [E1] the README's EventSource listens, and goes on after the server was killed", async (context) => {
  const browser = await launchBrowser(context);
  const page = await browser.newPage();
  const lines: string[] = [];
  page.on("console", (line) => lines.push(line.text()));
  await page.goto(server.url);
  await page.evaluate(
    `(async () => { ${snippet("js", "Hello from a browser")}\n${snippet("js", "new EventSource")} })()`,
  );
  const heard = (text: string): number => lines.filter((line) => /^\S+:\d+ /.test(line) && line.includes(text)).length;
  await expect.poll(() => heard("Hello from a browser"), { timeout: 30_000 }).toBeGreaterThan(0);
  await server.kill();
  await server.start();
  const headers = { Authorization: `Bearer ${server.demoKey}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ text: "after the kill" });
  await fetch(`${server.url}/v1/rooms/general/messages`, { method: "POST", headers, body });
  await expect.poll(() => heard("after the kill"), { timeout: 20_000 }).toBe(1);
});

test("[S1] the README's browser snippet works as written", async (context) => {
  const browser = await launchBrowser(context);
  const page = await browser.newPage();
  const lines: string[] = [];
  page.on("console", (line) => lines.push(line.text()));
  await page.goto(server.url);
  // As in the console of a browser, which awaits what is typed.
  await page.evaluate(`(async () => { ${snippet("js", "Hello from a browser")} })()`);
  await expect.poll(() => lines.some((line) => line.includes('"ack"')), { timeout: 30_000 }).toBe(true);
  expect(lines.find((line) => line.includes('"changes"') && line.includes("Hello from a browser"))).toBeDefined();
});
