/** The client as it is published: what it weighs, and that a page and a program can use it. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { publint } from "publint";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, makeTenant, newToken } from "../chaos/tenant.ts";
import { launchBrowser } from "../support/browser.ts";
import { type Server, startServer } from "../support/process.ts";

const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);
/** Of another release: `npm install --prefix ../older typescript@5.9`, and PARLEY_TSC=../older/node_modules/.bin/tsc. */
const compiler = process.env["PARLEY_TSC"] ?? join(root, "node_modules/.bin/tsc");
/** In the project, so that its own name leads to what it publishes. */
const program = join(root, "dist", `quickstart.${process.pid}.mts`);
const component = join(root, "dist", `component.${process.pid}.tsx`);
/** Elsewhere, with nothing but what it has installed: none of our own types and settings. */
const consumer = mkdtempSync(join(tmpdir(), "parley-consumer-"));

let built: string;
let server: Server;

beforeAll(async () => {
  built = (await run(process.execPath, ["standalone/buildClient.ts"], { cwd: root })).stdout;
  await run(process.execPath, ["standalone/buildApi.ts"], { cwd: root });
  server = await startServer();
});
afterAll(async () => {
  for (const file of [program, component]) rmSync(file, { force: true });
  rmSync(consumer, { recursive: true, force: true });
  await server.remove();
});

test("[C19] what a page loads to listen and to speak has at most 8 KiB, compressed by brotli, and no zod in it", () => {
  const sizes = sizesOf(built);
  expect(sizes["client"]).toBeGreaterThan(4_000);
  expect(sizes["client"]).toBeLessThanOrEqual(8_192);
  expect(Object.keys(sizes)).toEqual(["client", "http", "deeds", "stream", "upload", "eventLink", "react"]);
  expect(readFileSync(join(root, "dist/client/client.js"), "utf8")).not.toMatch(/from "(?!\.)/);
});

test("[C27] the hooks have at most 2 KiB beside that, and React is not in them", () => {
  expect(sizesOf(built)["react"]).toBeLessThanOrEqual(2_048);
  const hooks = readFileSync(join(root, "dist/client/react/react.js"), "utf8");
  expect(hooks).toMatch(/^"use client";/);
  expect([...hooks.matchAll(/from "([^".]+)"/g)].every(([, name]) => name === "react")).toBe(true);
});

test("[C19] its types are found in every way of leading to them that knows ES modules", async () => {
  const attw = join(root, "node_modules/.bin/attw");
  const { stdout } = await run(attw, ["--pack", ".", "--profile", "esm-only", "--format", "json"], { cwd: root });
  const { problems }: { readonly problems: Record<string, { readonly resolutionKind?: string }[]> } =
    JSON.parse(stdout);
  const isOurs = ({ resolutionKind = "" }): boolean => !["node10", "node16-cjs"].includes(resolutionKind);
  expect(Object.values(problems).flat().filter(isOurs)).toEqual([]);
});

test("[C19] publint finds nothing wrong with the package", async () => {
  const { messages } = await publint({ pkgDir: root, pack: "npm" });
  expect(messages).toEqual([]);
});

test("[C20] the quickstart of the guide is right by its types, and does what it says, word for word", async () => {
  const guide = readFileSync(join(root, "docs/client.md"), "utf8");
  const [, code = ""] = /```ts\n(import[\s\S]*?)```/.exec(guide) ?? [];
  expect(code.trim().split("\n").length).toBeLessThanOrEqual(10);
  writeFileSync(program, code);
  await checkTypes(program, { types: ["node"] });
  const tenant = await makeTenant(server, "acme");
  const env = { ...process.env, PARLEY_URL: server.url, PARLEY_TOKEN: await newToken(tenant, "ada") };
  const { stdout } = await run(process.execPath, [program], { cwd: root, env, timeout: 20_000 });
  expect(stdout.trim().split("\n").slice(-2)).toEqual(["Hello, room!", "stored as message 1"]);
  const { messages } = await ask<{ messages: unknown[] }>(`${server.url}/v1/rooms/general/messages`, {
    credential: tenant.key,
  });
  expect(messages).toHaveLength(1);
});

/** Enters a room, hears what it has itself published, and says over which transport. */
const visit = `import { createClient } from "parley/client";
export async function visit(url, token, options) {
  const client = createClient({ url, getToken: () => token, ...options });
  const room = client.room("elsewhere");
  const heard = new Promise((resolve) => room.on("message", ({ text }) => resolve(text)));
  const live = new Promise((resolve) => room.subscribe(({ status }) => status === "live" && resolve()));
  await live;
  await room.publish({ text: "from elsewhere" });
  const told = [await heard, client.state.transport];
  client.close();
  return told;
}`;

test("[C28] the published client works in Node 20 with `ws`, or by events, and in Node 24 as it is", async () => {
  const token = await newToken(await makeTenant(server, "nodes"), "ada");
  const told = async (node: string, code: string, options: string): Promise<unknown> => {
    writeFileSync(
      program,
      `${visit}\n${code}\nconsole.log(JSON.stringify(await visit(process.env.URL, process.env.TOKEN, ${options})));`,
    );
    const env = { ...process.env, URL: server.url, TOKEN: token, NODE_NO_WARNINGS: "1" };
    return JSON.parse((await run(node, [program], { cwd: root, env, timeout: 20_000 })).stdout);
  };
  expect(process.versions.node).toMatch(/^2\d\./);
  const withPackage = `import { WebSocket } from "ws";`;
  expect(await told(process.execPath, withPackage, "{ WebSocket }")).toEqual(["from elsewhere", "websocket"]);
  expect(await told(process.execPath, "", "{ WebSocket: 'none' }")).toEqual(["from elsewhere", "sse"]);
  const newer = join(root, "node_modules/node/bin/node");
  expect(await told(newer, "", "{}")).toEqual(["from elsewhere", "websocket"]);
});

test("[C28] the published client works in a Worker", async () => {
  const token = await newToken(await makeTenant(server, "workers"), "ada");
  const contents = `${visit}
    export default { fetch: async (request) => Response.json(await visit(...await request.json())) };`;
  const stdin = { contents, resolveDir: root };
  const shape = { bundle: true, format: "esm", write: false, logLevel: "error" } as const;
  const { outputFiles } = await build({ ...shape, stdin, conditions: ["worker"] });
  const quiet = { log: new Log(LogLevel.NONE), handleStructuredLogs: () => undefined };
  const worker = {
    name: "worker",
    modules: true as const,
    compatibilityDate: "2026-08-15",
    script: outputFiles[0]?.text ?? "",
  };
  const miniflare = new Miniflare(convertV4MiniflareOptions({ ...quiet, cf: false, workers: [worker] }));
  try {
    const body = JSON.stringify([server.url, token]);
    const answer = await miniflare.dispatchFetch("http://worker/", { method: "POST", body });
    expect(await answer.json()).toEqual(["from elsewhere", "websocket"]);
  } finally {
    await miniflare.dispose();
  }
});

test("[C27] the component of the guide is right by its types, and shows what was said, word for word", async (context) => {
  const browser = await launchBrowser(context);
  const guide = readFileSync(join(root, "docs/client.md"), "utf8");
  const [, code = ""] = /```tsx\n([\s\S]*?)```/.exec(guide) ?? [];
  expect(code.trim().split("\n").length).toBeLessThanOrEqual(12);
  writeFileSync(component, code);
  await checkTypes(component, { jsx: "react-jsx", types: ["react"] });
  const { outputFiles } = await build({
    stdin: {
      contents: `import { createRoot } from "react-dom/client";
        import { createElement } from "react";
        import { App } from ${JSON.stringify(component)};
        document.body.replaceChildren();
        createRoot(document.body).render(createElement(App));`,
      resolveDir: root,
    },
    bundle: true,
    jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "error",
    write: false,
  });
  const token = await newToken(await makeTenant(server, "guide"), "ada");
  const page = await browser.newPage({ bypassCSP: true });
  await page.route(`${server.url}/token`, (route) => route.fulfill({ body: token }));
  await page.goto(`${server.url}/errors`);
  await page.evaluate(outputFiles[0]?.text ?? "");
  await page.locator("input").fill("Hello, React!");
  await page.locator("input").press("Enter");
  await page.locator("li.stored").getByText("Hello, React!").waitFor();
  expect(await page.locator("input").inputValue()).toBe("");
});

test("[C44] a part of the client that could not be loaded offline is loaded the next time", async (context) => {
  const page = await (await launchBrowser(context)).newPage({ bypassCSP: true });
  const token = await newToken(await makeTenant(server, "parts"), "ada");
  const lost: string[] = [];
  await page.route(`${server.url}/lib/**`, async (route) => {
    const path = new URL(route.request().url()).pathname.slice("/lib/".length);
    const isFirst = /^(http|deeds)-/.test(path) && !lost.includes(path);
    if (isFirst) lost.push(path);
    const body = readFileSync(join(root, "dist/client", path));
    await (isFirst ? route.abort("internetdisconnected") : route.fulfill({ body, contentType: "text/javascript" }));
  });
  await page.goto(`${server.url}/errors`);
  const told = await page.evaluate(`import("/lib/client.js").then(async ({ createClient }) => {
    const room = createClient({ url: location.origin, getToken: () => "${token}" }).room("general");
    const outcomes = [];
    for (let time = 0; time < 3; time++)
      outcomes.push(await room.search("anything").catch(({ code }) => code ?? "not loaded"));
    return [outcomes, (await room.publish({ text: "by http" })).id];
  })`);
  expect([told, lost.length]).toEqual([[["not loaded", "not loaded", "not_found"], 1], 2]);
});

test("[C37] a project of its own compiles against the types of the API, strictly, and not with what the API refuses", async () => {
  mkdirSync(join(consumer, "node_modules"));
  symlinkSync(root, join(consumer, "node_modules", "parley"));
  symlinkSync(join(root, "node_modules", "hono"), join(consumer, "node_modules", "hono"));
  writeFileSync(join(consumer, "package.json"), JSON.stringify({ type: "module" }));
  const file = join(consumer, "consumer.ts");
  const right = `
    import { hc } from "hono/client";
    import type { AppType } from "parley/api";
    const { v1 } = hc<AppType>("https://parley.example", { headers: { Authorization: "Bearer key" } });
    const made = await v1.tokens.$post({ json: { user: "ada", rooms: { general: ["read", "publish"] } } });
    if (!made.ok) throw new Error((await made.json()).detail);
    const token: string = (await made.json()).token;
    const page = await v1.rooms[":room"].messages.$get({ param: { room: "general" }, query: { limit: "10" } });
    const texts: (string | null)[] = page.status === 200 ? (await page.json()).messages.map(({ text }) => text) : [];
    const kept = await v1.webhooks.$get({ query: {} });
    const urls: string[] = kept.ok ? (await kept.json()).items.map(({ url }) => url) : [];
    console.log(token, texts, urls);
  `;
  const wrong = `
    // @ts-expect-error there is no such capability
    await v1.tokens.$post({ json: { user: "ada", rooms: { general: ["fly"] } } });
    // @ts-expect-error a message's text is a string
    await v1.rooms[":room"].messages.$post({ param: { room: "general" }, json: { text: 1 } });
    // @ts-expect-error there is no such path
    await v1.rumours.$get();
    // @ts-expect-error before its status is known it may be a refusal
    (await (await v1.tokens.$post({ json: { user: "ada", rooms: {} } })).json()).token.length;
  `;
  writeFileSync(file, right + wrong);
  await checkTypes(file, { types: [], skipLibCheck: false });
});

function sizesOf(printed: string): Record<string, number> {
  return Object.fromEntries(
    [...printed.matchAll(/^(\w+): (\d+) bytes/gm)].map(([, name = "", bytes]) => [name, Number(bytes)]),
  );
}

/** As a project of its own. */
async function checkTypes(file: string, options: object): Promise<void> {
  const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noEmit: true };
  const shape = { module: "nodenext", target: "es2022", lib: ["es2023", "dom"] };
  const configuration = `${file}.json`;
  writeFileSync(configuration, JSON.stringify({ compilerOptions: { ...strict, ...shape, ...options }, files: [file] }));
  try {
    await run(compiler, ["-p", configuration], { cwd: root });
  } catch (error) {
    throw new Error((error as { readonly stdout: string }).stdout, { cause: error });
  } finally {
    rmSync(configuration);
  }
}
