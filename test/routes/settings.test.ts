/** What a deployment says whose settings are missing or wrong: a clear no at the first request, and never what stands in them. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import worker from "../../src/index.ts";
import type { Problem } from "../../src/protocol/http.ts";

const written: string[] = [];
beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation((line) => void written.push(String(line)));
});
afterEach(() => {
  vi.restoreAllMocks();
  written.length = 0;
});

const faults = [
  [{ MASTER_KEY: undefined }, "MASTER_KEY is not set"],
  // As the form of the deploy button leaves what nobody has filled in.
  [{ MASTER_KEY: "" }, "MASTER_KEY: entry 1 is empty"],
  [
    { MASTER_KEY: "not-to-be-told".repeat(3) },
    "MASTER_KEY: entry 1 does not begin with its version, 1 to 9999, and a colon",
  ],
  [{ MASTER_KEY: "1:not-to-be-told" }, "MASTER_KEY: the secret of entry 1 is shorter than 32 characters"],
  [{ OPERATOR_KEY: "not-to-be-told" }, "OPERATOR_KEY has fewer than 16 characters"],
  [{ MASTER_KEY: undefined, OPERATOR_KEY: "" }, "MASTER_KEY is not set; OPERATOR_KEY has fewer than 16 characters"],
] as const;

const paths = ["/health", "/v1/tenants", "/v1/rooms/general/messages", "/v1/rooms/general/events"];

test.each(faults)(
  "[H17] where settings are wrong (%#), each request is refused with what is missing, and where it is said how",
  async (settings, fault) => {
    const given = { ...env, ...settings };
    for (const path of paths) {
      const headers = { Authorization: "Bearer parley_demo_not-to-be-told" };
      const request = new Request(`http://parley.test${path}`, { headers });
      const response = await worker.fetch(request, given, createExecutionContext());
      const text = await response.text();
      const { code, detail }: Problem = JSON.parse(text);
      expect([path, response.status, code, detail]).toEqual([
        path,
        500,
        "internal",
        `This deployment is not set up: ${fault}. /guides/deploy says how.`,
      ]);
      expect(text + written.join()).not.toContain("not-to-be-told");
    }
    // One line for each, without a stack: it is not a bug.
    expect(written.map((line) => JSON.parse(line).error.includes(fault))).toEqual(paths.map(() => true));
  },
);

test("[H17] and what needs no settings is there: the description of the API, and the guide that says how", async () => {
  const given = { ...env, MASTER_KEY: undefined };
  const statuses = ["/openapi.json", "/docs"].map(async (path) => {
    const answer = await worker.fetch(new Request(`http://parley.test${path}`), given, createExecutionContext());
    return answer.status;
  });
  expect(await Promise.all(statuses)).toEqual([200, 200]);
});
