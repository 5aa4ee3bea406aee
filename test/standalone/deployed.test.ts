/** The Worker as it is deployed: minified, which `npm start` does not do, and run here by the same launcher. */
import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import type { Message } from "../../src/protocol/message.ts";
import { rehearse } from "../../standalone/rehearsal.ts";
import { Reader } from "../chaos/reader.ts";
import { ask, type LiveTenant, makeTenant, newToken, upload, wholeHistory } from "../chaos/tenant.ts";
import { type Server, startServer } from "../support/process.ts";
import { projectWith } from "../support/variant.ts";

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "parley-deployed-"));
const patienceMs = 60_000;
const Description = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });
let script: string;
let project: string;
let server: Server;
let tenant: LiveTenant;

beforeAll(async () => {
  rehearse(folder);
  script = readFileSync(join(folder, "index.js"), "utf8");
  project = projectWith(script);
  server = await startServer({ project });
  tenant = await makeTenant(server, "acme");
});
afterAll(async () => {
  await server?.remove();
  for (const made of [folder, project]) if (made !== undefined) rmSync(made, { recursive: true });
});

test("[S8] the Worker that is deployed has at most 250 KiB, compressed", () => {
  expect(gzipSync(script).byteLength).toBeLessThanOrEqual(250 * 1_024);
});

test("[S8] it publishes, tells and reads as the readable one does", async () => {
  // Or what follows were said of another.
  expect(readFileSync(join(project, "dist", "index.js"), "utf8")).toBe(script);
  const reader = new Reader({ tenant, room: "general", token: await newToken(tenant, "ada") });
  await reader.open();
  const body = { text: "by HTTP" };
  await ask(`${tenant.url}/v1/rooms/general/messages`, { method: "POST", credential: tenant.key, user: "grace", body });
  reader.send({ type: "publish", ref: "1", nonce: "once-only", text: "by the socket" });
  await reader.until(() => reader.acks.has("1") && reader.copy.seq === 2, patienceMs);
  reader.send({ type: "nothing" });
  await reader.until(() => reader.errors.length === 1, patienceMs);
  expect(reader.errors).toMatchObject([{ code: "bad_frame" }]);
  reader.close();
  expect((await wholeHistory(tenant, "general")).map(({ text }) => text)).toEqual(["by HTTP", "by the socket"]);
});

test("[S8] it describes itself: every operation that is declared, with what it takes", async () => {
  const { paths } = Description.parse(await (await fetch(`${server.url}/openapi.json`)).json());
  const declared = globSync("src/routes/*.ts", { cwd: root })
    .map((file) => readFileSync(join(root, file), "utf8").split("createRoute(").length - 1)
    .reduce((sum, count) => sum + count);
  expect(Object.values(paths).flatMap((operations) => Object.keys(operations))).toHaveLength(declared);
  const publish = JSON.stringify(paths["/v1/rooms/{room}/messages"]?.["post"]);
  expect(/"nonce":\{.*?\}/.exec(publish)?.[0]).toMatch(/^"nonce":\{"type":"string","pattern":/);
});

test("[S8] it knows what a file is, and looks into no archive", async () => {
  const gif = Buffer.from("R0lGODlhAwACAIAAAAAAAP///yH5BAAAAAAALAAAAAADAAIAAAIChF8AOw==", "base64");
  const entry = Buffer.alloc(64);
  entry.writeUInt32BE(0x504b0304);
  const files = { gif, gzip: gzipSync(gif), zip: entry };
  for (const [name, bytes] of Object.entries(files)) {
    const file = await upload(tenant, "general", "ada", { name, said: "image/gif", bytes });
    const publishing = { method: "POST", credential: tenant.key, user: "ada", body: { attachments: [file] } };
    const { message } = await ask<{ message: Message }>(`${tenant.url}/v1/rooms/general/messages`, publishing);
    const [{ type, width, height } = {}] = message.attachments;
    const shown = name === "gif" ? ["image/gif", 3, 2] : ["application/octet-stream", undefined, undefined];
    expect([name, type, width, height]).toEqual([name, ...shown]);
  }
});

test("[U21] `npm run trace` names the file and the line of the source for a place in the deployed script", () => {
  const said = "There is no such path.";
  const place = (text: string): [line: number, column: number] => {
    const lines = text.slice(0, text.indexOf(said)).split("\n");
    return [lines.length, (lines.at(-1) ?? "").length];
  };
  const file = "src/routes/middleware/errors.ts";
  const [line] = place(readFileSync(join(root, file), "utf8"));
  const input = `{"error":"Error: x\\n    at a (index.js:${place(script).join(":")})\\n    at cloudflare:internal:1:2"}\n`;
  const output = execFileSync(process.execPath, [join(root, "standalone", "trace.ts")], { input, encoding: "utf8" });
  expect(output.replace(/(\.ts:\d+):\d+/, "$1")).toBe(input.replace(/index\.js:\d+:\d+/, `${file}:${line}`));
});
