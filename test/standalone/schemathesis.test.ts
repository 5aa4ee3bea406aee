/**
 * What schemathesis (PyPI) finds between /openapi.json and a running server: with every check, for each kind of credential.
 * `PARLEY_SCHEMATHESIS` names its executable, if it is not where .ci/run puts it; `SCHEMATHESIS_EXAMPLES=200` looks longer.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { roomCapabilities } from "../../src/protocol/capabilities.ts";
import { type Server, startServer } from "../support/process.ts";

const root = join(import.meta.dirname, "../..");
const version = readFileSync(join(root, ".ci/requirements.txt"), "utf8").trim().replace(/.*==/, "");
const examples = process.env["SCHEMATHESIS_EXAMPLES"] ?? "4";
const program =
  process.env["PARLEY_SCHEMATHESIS"] ?? join(homedir(), `.cache/parley/schemathesis-${version}/bin/schemathesis`);
const isThere = existsSync(program);

/** With what refuses a request that is not as declared: also that its body is too long to be looked at, or its room deleted. */
const configuration = `[checks]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 409, 410, 413, 422, 429]
`;

let server: Server;
let folder: string;
beforeAll(async () => {
  if (!isThere) return;
  server = await startServer();
  folder = mkdtempSync(join(tmpdir(), "parley-schemathesis-"));
  writeFileSync(join(folder, "schemathesis.toml"), configuration);
});
afterAll(async () => {
  await server?.remove();
  if (isThere) rmSync(folder, { recursive: true });
});

if (!isThere)
  test("[H10] skipped: no schemathesis", (context) => {
    if (process.env["CI"] === "true") expect.fail(`there is no ${program}: .ci/run installs it`);
    context.skip("skipped: no schemathesis");
  });

describe.runIf(isThere)("every answer is as /openapi.json says", () => {
  test("[H10] to an API key and to a user's token", async () => {
    const found = await Promise.all([
      look(server.demoKey, "--phases=examples,coverage,fuzzing", "--exclude-tag=operator"),
      look(await tokenOf("ada"), "--phases=examples,fuzzing", "--exclude-tag=operator"),
    ]);
    expect(found).toEqual(found.map(() => 0));
  }, 300_000);

  // By itself and last: it suspends and deletes what tenants it finds.
  test("[H10] to the operator", async () => {
    expect(await look(server.operatorKey, "--phases=examples,coverage,fuzzing", "--include-tag=operator")).toBe(0);
  });
});

async function tokenOf(user: string): Promise<string> {
  const made = await fetch(`${server.url}/v1/tokens`, {
    method: "POST",
    headers: { Authorization: `Bearer ${server.demoKey}`, "Content-Type": "application/json" },
    body: JSON.stringify({ user, rooms: { "*": roomCapabilities } }),
  });
  const { token } = (await made.json()) as { token: string };
  return token;
}

/** Its exit code; what it has to say, where that is not 0. */
async function look(credential: string, ...filters: string[]): Promise<number | string> {
  const words = ["run", `${server.url}/openapi.json`, "--checks=all"];
  // Which valid bodies are refused all the same (an edit without text and data, a room that was deleted before, an emoji that is
  // too long in bytes) JSON Schema cannot say, so that a 400 to them is no mismatch.
  const unsaid = ["--exclude-checks=positive_data_acceptance"];
  const bounds = [`--max-examples=${examples}`, "--seed=1", "--request-timeout=10", "--generation-deterministic"];
  // A stream has no end, a socket is no answer, and of lines of JSON it can make none: test/routes and test/standalone do those.
  const unfit = ["--exclude-path-regex=/(events|socket|import)$"];
  const child = spawn(
    program,
    [
      "--no-color",
      ...words,
      ...unsaid,
      ...bounds,
      ...unfit,
      "--warnings=off",
      ...filters,
      "-H",
      `Authorization: Bearer ${credential}`,
    ],
    { cwd: folder, stdio: ["ignore", "pipe", "pipe"] },
  );
  let said = "";
  child.stdout.on("data", (chunk) => (said += String(chunk)));
  child.stderr.on("data", (chunk) => (said += String(chunk)));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return code === 0 ? 0 : said;
}
