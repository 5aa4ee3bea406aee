/**
 * The guides' code, taken from docs/ word for word: every block that is marked `run` does what it says, on one server. What differs
 * from machine to machine comes through the environment: URL, KEY, OPERATOR_KEY, PARLEY_URL, TOKEN, PARLEY.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { roomCapabilities } from "../../src/protocol/capabilities.ts";
import { launchBrowser } from "../support/browser.ts";
import { type Server, startServer } from "../support/process.ts";

const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);
const guides = readdirSync(join(root, "docs")).filter((file) => file.endsWith(".md"));

/** Those that go on listening, by what they say when all is well. */
const listening: readonly RegExp[] = [/1 ada: Hello from my own script/, /"type":"ack","ref":"1"/];

/** What the server says to each block of commands, by its guide and its place there. */
const answers: Readonly<Record<string, RegExp>> = {
  "quickstart.md-1": /^\{"message":\{"id":\d+,.*"sender":\{"id":"bo",.*"text":"Hello from curl"/,
  "auth.md-0": /^\{"token":"eyJ/,
  "auth.md-2": /^\{"ticket":"eyJ.*\{"limits":/s,
  "auth.md-3": /^\{"issuer":"https:\/\/id\.example\.com\/",.*"capabilities":\["read","publish","react"\]/,
  "auth.md-4": /^\{"revocation":\{"user":"mallory",.*"reason":"the device was lost"/,
  "data.md-0": /^\{"type":"end","kind":"room","counts":\{.*"hash":"[0-9a-f]{64}"\}\n$/,
  "limits.md-0": /^\{"limits":\{"frameBytes":/,
  "limits.md-1": /^\{"id":"demo",.*"publishPerUserPerSecond":50,/,
  "moderation.md-0": /"user":"mallory","ban":\{.*"mute":\{.*"reason":"flooding"/,
  "moderation.md-1": /"slowModeMs":10000,.*"role":"moderator"/,
  "moderation.md-2": /^\{"flag":1,.*"state":"resolved"/,
  "publishing.md-0": /"nonce":"order-4711-paid","text":"Paid\."/,
  "publishing.md-1": /^\{"messages":\[\{.*"nonce":"import-0001","text":"First\.".*"text":"Second\."/,
  "publishing.md-2": /"items":\[\{"room":"general","ok":true,.*\{"room":"help","ok":true,.*"refused":0\}$/,
  "streaming.md-0": /^\{"at":14\}\{"at":21\}.*"text":"The capital is Paris\.".*"status":"sent"/,
  "uploads.md-0": /^\{"state":"ready",.*"text":"see",.*"attachments":\[\{.*"name":"notes\.txt"/,
  "webhooks.md-0": /^\{"webhook":\{.*"isEnabled":true,.*"secret":"whsec_/,
};

/** What axe says of a page. */
interface Found {
  readonly violations: readonly {
    readonly id: string;
    readonly impact: string;
    readonly nodes: readonly { readonly html: string }[];
  }[];
}

let server: Server;
let folder: string;
let environment: NodeJS.ProcessEnv;
beforeAll(async () => {
  server = await startServer();
  // Within the project, where packages are found.
  folder = mkdtempSync(join(root, "node_modules", ".guides-"));
  environment = {
    ...process.env,
    URL: server.url,
    PARLEY_URL: server.url,
    KEY: server.demoKey,
    OPERATOR_KEY: server.operatorKey,
    TOKEN: await newToken(),
    PARLEY: root,
  };
});
afterAll(async () => {
  await server.remove();
  rmSync(folder, { recursive: true });
});

async function newToken(): Promise<string> {
  const made = await fetch(`${server.url}/v1/tokens`, {
    method: "POST",
    headers: { Authorization: `Bearer ${server.demoKey}`, "Content-Type": "application/json" },
    body: JSON.stringify({ user: "ada", rooms: { "*": roomCapabilities } }),
  });
  return ((await made.json()) as { token: string }).token;
}

function blocksOf(guide: string): { readonly language: string; readonly code: string }[] {
  const text = readFileSync(join(root, "docs", guide), "utf8");
  return [...text.matchAll(/^```(sh|js) run\n([\s\S]*?)^```/gm)].map(([, language = "", code = ""]) => ({
    language,
    code,
  }));
}

/** With the client as it stands in the source, so that nobody waits for its build or takes it away. */
async function program(name: string, code: string): Promise<string> {
  const outfile = join(folder, `${name}.mjs`);
  const alias = { "parley/client": join(root, "src/client/client.ts") };
  const stdin = { contents: code, resolveDir: root };
  await build({ stdin, outfile, alias, bundle: true, platform: "node", format: "esm", target: "node22" });
  return outfile;
}

function started(file: string): { readonly child: ChildProcess; readonly said: () => string } {
  const child = spawn(process.execPath, [file], { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stdout.on("data", (chunk) => (said += String(chunk)));
  child.stderr.on("data", (chunk) => (said += String(chunk)));
  return { child, said: () => said };
}

/** To its end, or until it says what it goes on listening after. */
async function finish(name: string, code: string): Promise<void> {
  const { child, said } = started(await program(name, code));
  const isOver = (): boolean => child.exitCode !== null || listening.some((words) => words.test(said()));
  try {
    await expect.poll(isOver, { timeout: 30_000, interval: 50 }).toBe(true);
    expect([name, child.exitCode ?? 0, said()]).toEqual([name, 0, said()]);
    expect(said()).not.toMatch(/Error/);
  } finally {
    child.kill("SIGKILL");
  }
}

/** As somebody reads them: the quickstart makes the room that others speak of. */
const marked = ["quickstart.md", ...guides.filter((guide) => !["quickstart.md", "resume.md"].includes(guide))].filter(
  (guide) => blocksOf(guide).length > 0,
);

test("[H16] enough of the guides is run", () => {
  expect(marked.length).toBeGreaterThanOrEqual(11);
  const long = guides.filter((guide) => readFileSync(join(root, "docs", guide), "utf8").split("\n").length > 160);
  expect(long).toEqual(["architecture.md", "performance.md", "reliability.md"].filter((guide) => long.includes(guide)));
});

test.each(marked)("[H16] what %s says can be run does what it says", async (guide) => {
  for (const [index, { language, code }] of blocksOf(guide).entries()) {
    const name = `${guide}-${index}`;
    if (language === "js") await finish(name, code);
    else {
      // A refusal is an error here, as it would be to a reader.
      const script = code.replaceAll("curl ", "curl -sS -f -m 10 ");
      const { stdout } = await run("sh", ["-euc", script], { env: environment, cwd: folder }).catch(
        (error: unknown) => {
          throw new Error(`${name}: ${(error as { readonly stderr: string }).stderr}`);
        },
      );
      expect([name, stdout]).toEqual([name, expect.stringMatching(answers[name] ?? "has no answer in this test")]);
    }
  }
});

test("[H16] the reader of resume.md holds all, once, though the server is killed while others publish", async () => {
  const [reader, page] = blocksOf("resume.md");
  const shown = `setInterval(() => console.log(JSON.stringify([cursor, [...messages.values()].map(({ text }) => text)])), 50);`;
  const { child, said } = started(await program("reader", `${reader?.code}\n${shown}`));
  const held = (): [number, string[]] => JSON.parse(said().trim().split("\n").at(-1) || "[0, []]");
  const headers = {
    Authorization: `Bearer ${server.demoKey}`,
    "Parley-User": "mo",
    "Content-Type": "application/json",
  };
  const publish = (text: string): Promise<Response> =>
    fetch(`${server.url}/v1/rooms/general/messages`, { method: "POST", headers, body: JSON.stringify({ text }) });
  const said1 = Array.from({ length: 5 }, (_, index) => `before ${index}`);
  const said2 = Array.from({ length: 5 }, (_, index) => `after ${index}`);
  try {
    await expect.poll(() => said().includes("["), { timeout: 30_000 }).toBe(true);
    for (const text of said1) await publish(text);
    await expect.poll(() => held()[1].includes("before 4"), { timeout: 30_000 }).toBe(true);
    await server.kill();
    await server.start();
    for (const text of said2) await publish(text);
    await expect.poll(() => held()[1].includes("after 4"), { timeout: 20_000 }).toBe(true);
    const [cursor, texts] = held();
    expect(texts.filter((text) => /^(before|after) \d$/.test(text))).toEqual([...said1, ...said2]);
    const { stdout } = await run("sh", ["-euc", page?.code.replaceAll("curl ", "curl -sS -f ") ?? ""], {
      env: environment,
    });
    expect(JSON.parse(stdout).to).toBe(cursor);
  } finally {
    child.kill("SIGKILL");
  }
});

test("[H14] pages are readable, in light and dark, at a desk and on a telephone: by axe, without an error or a way to the side", async (context) => {
  const browser = await launchBrowser(context);
  const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const complaints: unknown[] = [];
  const looks = [
    { colorScheme: "light", width: 1280, height: 800, paths: ["/errors/rate_limited", "/guides"] },
    { colorScheme: "dark", width: 390, height: 844, paths: ["/errors/muted", "/guides/migrating"] },
  ] as const;
  for (const { colorScheme, width, height, paths } of looks) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme });
    page.on("console", (message) => complaints.push(message.text()));
    for (const path of paths) {
      await page.goto(server.url + path);
      // From outside: the page's own policy lets no script in.
      await page.evaluate(axe);
      const { violations } = await page.evaluate<Found>("axe.run({ resultTypes: ['violations'] })");
      for (const { id, impact, nodes } of violations) complaints.push([path, width, id, impact, nodes[0]?.html]);
    }
    for (const path of [...paths, "/errors", "/limits", "/guides/self-host"]) {
      await page.goto(server.url + path);
      const beyond = await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
      if (beyond > 0) complaints.push([path, width, `${beyond} px beyond the edge`]);
    }
    await page.close();
  }
  expect(complaints).toEqual([]);
});
