import { describe, expect, test } from "vitest";
import { hasSafeHeaders, refused } from "./answers.ts";
import { call } from "./edge.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

async function description(): Promise<Record<string, Json>> {
  const response = await call("/openapi.json");
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/json");
  return response.json();
}

/** Every object of the document with its place in it. */
function* walk(value: Json, path = "#"): Generator<[string, Record<string, Json>]> {
  if (value === null || typeof value !== "object") return;
  if (!Array.isArray(value)) yield [path, value];
  for (const [key, item] of Object.entries(value)) yield* walk(item, `${path}/${key}`);
}

function isRecord(value: Json | undefined): value is Record<string, Json> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function operationsOf(document: Record<string, Json>): [string, Record<string, Json>][] {
  const paths = document["paths"];
  if (!isRecord(paths)) throw new Error("no paths");
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(isRecord(item) ? item : {}).map(([method, operation]): [string, Record<string, Json>] => {
      expect(methods).toContain(method);
      if (!isRecord(operation)) throw new Error(`no operation: ${method} ${path}`);
      return [`${method} ${path}`, operation];
    }),
  );
}

/** What is no JSON, by the end of its path. */
const otherTypes = [
  ["/events", "text/event-stream"],
  ["get /v1/rooms/{room}/messages/{id}/stream", "text/event-stream"],
  ["post /v1/rooms/{room}/assistant", "text/event-stream"],
  ["/metrics", "text/plain"],
  ["/export", "application/x-ndjson"],
  ["get /v1/uploads/{upload}/content", "application/octet-stream"],
] as const;

describe("/openapi.json", () => {
  test("[H3] it is OpenAPI 3.1, with all that 3.1 requires", async () => {
    const document = await description();
    expect(document["openapi"]).toMatch(/^3\.1\.\d$/);
    expect(document["info"]).toMatchObject({ title: "Parley", version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    // `nullable` is 3.0: in 3.1 it says nothing.
    for (const [path, object] of walk(document)) expect([path, "nullable" in object]).toEqual([path, false]);
  });

  test("[H3] every $ref in it resolves", async () => {
    const document = await description();
    for (const [path, object] of walk(document)) {
      const reference = object["$ref"];
      if (reference === undefined) continue;
      expect([path, reference]).toEqual([path, expect.stringMatching(/^#\//)]);
      const target = (typeof reference === "string" ? reference : "")
        .slice(2)
        .split("/")
        .reduce<Json | undefined>((found, key) => (isRecord(found) ? found[key] : undefined), document);
      expect([path, target]).toEqual([path, expect.anything()]);
    }
  });

  test("[H3] every operation has a summary, a tag and described responses, and a schema wherever there is a body", async () => {
    for (const [name, operation] of operationsOf(await description())) {
      expect([name, operation["summary"]]).toEqual([name, expect.stringMatching(/\S/)]);
      expect([name, operation["tags"]]).toEqual([name, [expect.any(String)]]);
      const { responses } = operation;
      if (!isRecord(responses)) throw new Error(`${name} has no responses`);
      expect(Object.keys(responses).length).toBeGreaterThan(0);
      for (const [status, response] of Object.entries(responses)) {
        expect(status).toMatch(/^[1-5]\d\d$/);
        if (!isRecord(response)) throw new Error(`${name} ${status}`);
        expect([name, status, response["description"]]).toEqual([name, status, expect.stringMatching(/\S/)]);
        const content = isRecord(response["content"]) ? Object.entries(response["content"]) : [];
        const good = otherTypes.find(([end]) => name.endsWith(end))?.[1] ?? "application/json";
        const expected = Number(status) < 400 ? good : "application/problem+json";
        for (const [type, media] of content) {
          expect([name, status, type]).toEqual([name, status, expected]);
          // What an event holds is described in the protocol, not here.
          if (type !== "text/event-stream") expect(isRecord(media) && isRecord(media["schema"])).toBe(true);
        }
      }
    }
  });

  test("[H3] every parameter of a path is declared and required, and no other is", async () => {
    for (const [name, operation] of operationsOf(await description())) {
      const parameters = Array.isArray(operation["parameters"]) ? operation["parameters"].filter(isRecord) : [];
      const inPath = parameters.filter((parameter) => parameter["in"] === "path");
      const names = inPath.map((parameter) => parameter["name"]).filter((one) => typeof one === "string");
      expect(names.map((one) => `{${one}}`).toSorted()).toEqual([...(name.match(/\{\w+\}/g) ?? [])].toSorted());
      for (const parameter of inPath) expect(parameter["required"]).toBe(true);
      for (const parameter of parameters) expect(isRecord(parameter["schema"])).toBe(true);
    }
  });

  test("[H3] every operation but those for everyone names a security scheme that exists", async () => {
    const document = await description();
    const components = document["components"];
    const schemes =
      isRecord(components) && isRecord(components["securitySchemes"]) ? components["securitySchemes"] : {};
    for (const [name, operation] of operationsOf(document)) {
      if (name === "get /health") continue;
      const security = Array.isArray(operation["security"]) ? operation["security"].filter(isRecord) : [];
      expect([name, security.length]).not.toEqual([name, 0]);
      for (const scheme of security.flatMap((one) => Object.keys(one))) expect(schemes).toHaveProperty(scheme);
    }
  });
});

describe("pages", () => {
  test("[H4] the documentation refers to no foreign host, and its script and description are ours", async () => {
    const response = await call("/docs");
    expect(response.status).toBe(200);
    const html = await response.text();
    expect(html).toContain("/assets/scalar.js");
    expect(html).toContain("/openapi.json");
    // Links for people and names of XML are no requests.
    const loaded = [...html.matchAll(/(?:src|srcset|href|action|data|poster)\s*=\s*["']?([^"'\s>]+)/gi)].map(
      ([, url]) => url,
    );
    for (const url of loaded) expect(url).toMatch(/^(?!\/\/)(\/|#|data:)/);
    expect(html).not.toMatch(/url\(\s*["']?(https?:)?\/\//i);
    expect(html).not.toMatch(/@import/i);
    expect([...html.matchAll(/https?:\/\/[\w.-]+/gi)].map(([host]) => host)).toEqual([]);
    hasSafeHeaders(response);
  });

  test("[H4] each page has the policy that it needs to be shown, and no more", async () => {
    const policyOf = async (path: string): Promise<string | null> =>
      (await call(path)).headers.get("content-security-policy");
    const docs = await policyOf("/docs");
    expect(docs).toMatch(/script-src 'self' 'unsafe-inline'/);
    expect(docs).toMatch(/connect-src 'self'/);
    expect(docs).not.toMatch(/https?:|\*/);
    for (const path of ["/errors", "/errors/muted", "/limits", "/guides", "/guides/client"])
      expect(await policyOf(path)).toBe(
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      );
    for (const path of ["/health", "/openapi.json", "/nowhere", "/v1/tenant"])
      expect(await policyOf(path)).toBe("default-src 'none'; frame-ancestors 'none'");
  });

  test("[H4] the answers for everyone have the safe headers too, and only GET is offered", async () => {
    for (const path of ["/health", "/openapi.json", "/docs", "/errors", "/errors/muted", "/limits", "/guides"]) {
      const response = await call(path);
      await response.body?.cancel();
      hasSafeHeaders(response);
      const posted = await call(path, { method: "POST", body: {} });
      expect(posted.headers.get("allow")).toBe("GET");
      await refused(posted, 405, "method_not_allowed");
    }
  });
});
