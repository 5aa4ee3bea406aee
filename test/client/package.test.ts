/** The client as it is published: what it weighs, and that a page and a program can use it. */
import { execFile } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { publint } from "publint";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, makeTenant, newToken } from "../chaos/tenant.ts";
import { type Server, startServer } from "../support/process.ts";

const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);
/** In the project, so that its own name leads to what it publishes. */
const program = join(root, "dist", `quickstart.${process.pid}.mts`);

let built: string;
let server: Server;

beforeAll(async () => {
  built = (await run(process.execPath, ["standalone/buildClient.ts"], { cwd: root })).stdout;
  server = await startServer();
});
afterAll(async () => {
  rmSync(program, { force: true });
  await server.remove();
});

test("[C19] what a page loads to listen and to speak has at most 8 KiB, compressed by brotli, and no zod in it", () => {
  const sizes = Object.fromEntries(
    [...built.matchAll(/^(\w+): (\d+) bytes/gm)].map(([, name, bytes]) => [name, Number(bytes)]),
  );
  expect(sizes["client"]).toBeGreaterThan(4_000);
  expect(sizes["client"]).toBeLessThanOrEqual(8_192);
  expect(Object.keys(sizes)).toEqual(["client", "http", "deeds", "stream", "upload", "eventLink"]);
  expect(readFileSync(join(root, "dist/client/client.js"), "utf8")).not.toMatch(/from "(?!\.)/);
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
  const strict = [
    "--strict",
    "--exactOptionalPropertyTypes",
    "--noUncheckedIndexedAccess",
    "--noEmit",
    "--ignoreConfig",
  ];
  const shape = ["--module", "nodenext", "--target", "es2022", "--lib", "es2023,dom", "--types", "node"];
  await run(join(root, "node_modules/.bin/tsc"), [...strict, ...shape, program], { cwd: root }).catch(
    (error: unknown) => {
      throw new Error((error as { readonly stdout: string }).stdout);
    },
  );
  const tenant = await makeTenant(server, "acme");
  const env = { ...process.env, PARLEY_URL: server.url, PARLEY_TOKEN: await newToken(tenant, "ada") };
  const { stdout } = await run(process.execPath, [program], { cwd: root, env, timeout: 20_000 });
  expect(stdout.trim().split("\n").slice(-2)).toEqual(["Hello, room!", "stored as message 1"]);
  const { messages } = await ask<{ messages: unknown[] }>(`${server.url}/v1/rooms/general/messages`, {
    credential: tenant.key,
  });
  expect(messages).toHaveLength(1);
});
