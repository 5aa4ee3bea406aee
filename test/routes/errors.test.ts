import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import worker from "../../src/index.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { hasSafeHeaders, refused } from "./answers.ts";
import { asOperator, call, newTenant } from "./edge.ts";
import { credentialOf, methodOf, newWorld, operations, pathOf, perform, unknownNames } from "./operations.ts";

const withBody = operations.filter(({ body }) => body !== undefined);
const fits = fixedLimits.bodyBytes;

/** JSON with blanks behind it, so that it has so many bytes. */
function padded(value: unknown, bytes: number): string {
  const text = JSON.stringify(value);
  return text + " ".repeat(bytes - new TextEncoder().encode(text).length);
}

/** A body that does not say how long it is, in pieces. */
function chunked(path: string, method: string, credential: string, text: string): Promise<Response> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + 10_000));
      at += 10_000;
    },
  });
  const headers = {
    Authorization: `Bearer ${credential}`,
    "Content-Type": "application/json",
    "Transfer-Encoding": "chunked",
  };
  const request = new Request(`http://parley.test${path}`, { method, headers, body });
  return Promise.resolve(worker.fetch(request, env, createExecutionContext()));
}

describe("what is not offered", () => {
  test("[H1] no path: a problem, whatever the method and whoever asks", async () => {
    for (const path of [
      "/",
      "/v1",
      "/v1/",
      "/v1/nowhere",
      "/v2/tenant",
      "/v1/tenant/",
      "/health/",
      "/V1/tenant",
      "/v1/rooms/",
      "/v1/rooms//messages",
      "/v1/rooms/a/messages/1/reactions/",
      "/.env",
      "/%00",
      "/%ff",
      "/%",
    ])
      for (const method of ["GET", "POST", "DELETE"]) {
        const response = await call(path, { method });
        expect(response.headers.get("allow")).toBeNull();
        hasSafeHeaders(response);
        await refused(response, 404, "not_found");
      }
  });

  const paths = [...new Set(operations.map((operation) => pathOf(operation, unknownNames)))];
  test.each(paths)("[H1] %s: every method that is not offered is 405, and Allow names those that are", async (path) => {
    const offered = operations
      .filter((operation) => pathOf(operation, unknownNames) === path)
      .map(methodOf)
      .sort();
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"].filter(
      (one) => !offered.includes(one),
    )) {
      const response = await call(path, { method });
      expect(response.headers.get("allow")).toBe(offered.join(", "));
      hasSafeHeaders(response);
      await refused(response, 405, "method_not_allowed");
    }
  });
});

describe("request ids", () => {
  test("[H1] each answer has an id of its own, and a problem says it", async () => {
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => (await refused(await call("/nowhere"), 404)).requestId),
    );
    expect(new Set(ids).size).toBe(20);
  });

  test("[H1] a plain id of a proxy in front is kept, any other is not", async () => {
    expect((await call("/health", { headers: { "X-Request-Id": "from_proxy-1=" } })).headers.get("x-request-id")).toBe(
      "from_proxy-1=",
    );
    for (const id of ["a b", "<script>", "a".repeat(65), "é", "a,b", '"', ""]) {
      const response = await call("/health", { headers: { "X-Request-Id": id } });
      expect(response.headers.get("x-request-id")).not.toBe(id);
      hasSafeHeaders(response);
    }
  });
});

describe("bodies", () => {
  test.each(withBody)(
    "[W7] $name takes 131,072 bytes and refuses one more with 413, said in advance or in chunks",
    async (operation) => {
      const world = await newWorld();
      const credential = credentialOf(operation, world) ?? "";
      const [path, method] = [pathOf(operation, world.names), methodOf(operation)];
      for (const bytes of [fits + 1, fits * 3]) {
        const body = padded(operation.body, bytes);
        await refused(await perform(operation, world, { body }), 413, "too_large");
        await refused(await chunked(path, method, credential, body), 413, "too_large");
      }
      expect((await perform(operation, world, { body: padded(operation.body, fits) })).status).toBe(operation.first);
      const again = await chunked(path, method, credential, padded(operation.body, fits));
      // A second edit comes too late for its `ifVersion`; whatever is said, it is about the content.
      expect(again.status).not.toBe(413);
      expect(again.status).toBeLessThan(500);
    },
  );

  test("[W7] a body is counted in bytes, not in characters", async () => {
    const { token, names } = await newWorld();
    const post = (body: string): Promise<Response> =>
      call(`/v1/rooms/${names.room}/messages`, { method: "POST", credential: token, body });
    const text = "€".repeat(16_384);
    expect((await post(padded({ text }, fits))).status).toBe(201);
    await refused(await post(padded({ text }, fits + 1)), 413, "too_large");
  });

  test("[H2] JSON nested 10,000 deep is 400 as a body and as any part of one", async () => {
    const world = await newWorld();
    const deep = `${"[".repeat(10_000)}${"]".repeat(10_000)}`;
    const deepObject = `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`;
    for (const operation of withBody) {
      const field = Object.keys(operation.body ?? {})[0] ?? "";
      for (const body of [
        deep,
        deepObject,
        `{"${field}":${deep}}`,
        `{"${field}":${deepObject}}`,
        `{"extra":${deep}}`,
        `{"data":${deep}}`,
      ])
        await refused(await perform(operation, world, { body }), 400, "invalid_field");
    }
  });
});

describe("what is taken", () => {
  test("[H1] a tenant's id that is taken is 409, also when two ask at once", async () => {
    const { id } = await newTenant();
    await refused(await asOperator("/v1/tenants", { method: "POST", body: { id, name: "Again" } }), 409, "conflict");
    const body = { id: `${id}x`, name: "Race" };
    const both = await Promise.all([1, 2].map(() => asOperator("/v1/tenants", { method: "POST", body })));
    expect(both.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([201, 409]);
  });

  test("[W7] the hundred and first key is refused", async () => {
    const tenant = await newTenant();
    const add = (): Promise<Response> =>
      call("/v1/keys", { method: "POST", credential: tenant.key, body: { capabilities: ["read"] } });
    const made = await Promise.all(Array.from({ length: fixedLimits.keysPerTenant - 1 }, add));
    for (const response of made) expect(response.status).toBe(201);
    await refused(await add(), 429, "quota_exceeded");
  });
});
