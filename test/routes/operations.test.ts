import { beforeAll, describe, expect, test } from "vitest";
import { everything, operatorKey } from "../support/api.ts";
import { answered, hasSafeHeaders, refused } from "./answers.ts";
import { asOperator, call, newToken } from "./edge.ts";
import {
  badNames,
  isSocket,
  methodOf,
  newWorld,
  type Operation,
  operations,
  paramsOf,
  perform,
  type Plane,
  release,
  suspend,
  templateOf,
  unknownNames,
  type World,
} from "./operations.ts";

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: object }>>>>;
}

const withPlane = (...planes: Plane[]): Operation[] => operations.filter(({ plane }) => planes.includes(plane));
const ofClients = operations.filter(
  ({ plane }) =>
    plane === "key" || plane === "publishing key" || plane === "client" || (everything as Plane[]).includes(plane),
);
const inRooms = operations.filter((operation) => paramsOf(operation).includes("room"));

let shared: World;
beforeAll(async () => {
  shared = await newWorld();
});

test("[H3] every operation of /openapi.json has a row here, and every row is an operation", async () => {
  const { paths } = await (await call("/openapi.json")).json<Description>();
  const declared = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(operations.map(({ name }) => name).sort()).toEqual(declared.sort());
});

test.each(operations)("[H3] $name answers as it is declared", async (operation) => {
  const { paths } = await (await call("/openapi.json")).json<Description>();
  const declared = paths[templateOf(operation)]?.[methodOf(operation).toLowerCase()]?.responses ?? {};
  const isGood = (status: string): boolean => Number(status) < 400;
  expect(Object.keys(declared).filter(isGood).sort()).toEqual(Object.keys(operation.answers).sort());
  // What can be refused is declared as a problem.
  if (operation.plane !== "everyone") expect(Object.keys(declared)).toEqual(expect.arrayContaining(["400", "401"]));

  const response = await perform(operation, await newWorld());
  const schema = operation.answers[operation.first];
  if (operation.stream === true) {
    expect(response.status).toBe(operation.first);
    expect(Object.keys(contentOf(declared, 200))).toEqual(["text/event-stream"]);
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(await headOf(response)).toMatch(/^retry: \d+\n\n/);
  } else if (operation.contentType !== undefined) {
    expect(response.status).toBe(operation.first);
    expect(response.headers.get("content-type")).toBe(operation.contentType);
    expect(schema?.parse(new TextDecoder().decode(await response.arrayBuffer()))).toBeDefined();
  } else if (schema === null || schema === undefined) {
    expect(response.status).toBe(operation.first);
    expect(await response.text()).toBe("");
    await release(response);
  } else {
    await answered(response, operation.first, schema);
  }
});

test.each(operations.filter((operation) => !isSocket(operation)))(
  "[H4] $name has the safe headers",
  async (operation) => {
    const response = await perform(operation, await newWorld());
    await release(response);
    hasSafeHeaders(response);
    const kept = operation.cacheControl ?? (operation.stream === true ? "no-store, no-transform" : "no-store");
    if (operation.plane !== "everyone") expect(response.headers.get("cache-control")).toBe(kept);
  },
);

describe("who is let in", () => {
  test.each(operations.filter(({ plane }) => plane !== "everyone"))(
    "[H7] $name is 401 without a credential",
    async (operation) => {
      await refused(await perform(operation, shared, { credential: undefined }), 401, "token_missing");
      for (const Authorization of ["", "Bearer", "Bearer ", "Basic YTpi", shared.token])
        await refused(await perform(operation, shared, { credential: undefined, headers: { Authorization } }), 401);
      for (const credential of ["x", "parley_x", `${shared.token}x`, `${shared.tenant.key}x`])
        await refused(await perform(operation, shared, { credential }), 401, "token_invalid");
    },
  );

  test.each(withPlane("operator"))("[H7] $name is 401 with a tenant's credential", async (operation) => {
    for (const credential of [shared.tenant.key, shared.token])
      await refused(await perform(operation, shared, { credential }), 401, "token_invalid");
  });

  test.each(withPlane("admin", "key", "publishing key", "client", ...(everything as Plane[])))(
    "[H7] $name is 401 with the operator's key",
    async (operation) => {
      await refused(await perform(operation, shared, { credential: operatorKey }), 401, "token_invalid");
    },
  );

  test.each(withPlane("admin"))(
    "[H7] $name is 403 with a token and with a key that may not administer",
    async (operation) => {
      for (const credential of [shared.token, shared.plainKey])
        await refused(await perform(operation, shared, { credential }), 403, "forbidden");
    },
  );

  test("[H7] POST /v1/tokens is 403 with a token, and for more than the key has itself", async () => {
    const body = { user: "ada", rooms: { "*": ["moderate"] } };
    for (const credential of [shared.token, shared.plainKey])
      await refused(await call("/v1/tokens", { method: "POST", credential, body }), 403, "forbidden");
  });

  test("[H7] POST /v1/keys is 403 for more than the key has itself", async () => {
    const body = { capabilities: ["admin"] };
    const made = await call("/v1/keys", { method: "POST", credential: shared.tenant.key, body });
    const { key } = await made.json<{ key: { secret: string } }>();
    const more = { method: "POST", credential: key.secret, body: { capabilities: ["read"] } };
    await refused(await call("/v1/keys", more), 403, "forbidden");
  });

  const capable = ofClients.filter(({ plane }) => (everything as Plane[]).includes(plane));
  test.each(capable)("[H7] $name takes the capability `$plane`, and no other does", async (operation) => {
    const world = await newWorld();
    const { plane } = operation;
    const [verb] = plane.split(":");
    const enough = new Set<string | undefined>([plane, operation.or, `${verb}:any`]);
    const others = everything.filter((capability) => !enough.has(capability));
    const tooPoor = [await newToken(world.tenant, "ada", { "*": others, never: everything })];
    // It may stream.
    if (plane !== "stream") tooPoor.push(world.poorToken);
    for (const credential of tooPoor) await denied(operation, await perform(operation, world, { credential }));
    const credential = await newToken(world.tenant, "ada", { "team:*": [plane, ...(operation.also ?? [])] });
    const response = await perform(operation, world, { credential });
    expect(response.status).toBe(operation.first);
    await release(response);
  });

  test.each(capable)("[A5] $name is 403 in a room that the token does not name", async (operation) => {
    // An upload is announced in its room, which others may have frozen.
    const world = operation.upload === undefined ? shared : await newWorld();
    const credential = await newToken(world.tenant, "ada", {
      lobby: everything,
      team: everything,
      "team:lobby:*": everything,
    });
    await denied(operation, await perform(operation, world, { credential }));
  });
});

describe("what is not there", () => {
  const known = operations.flatMap((operation) => (operation.known ?? []).map((param) => ({ operation, param })));
  test.each(known)("[H1] $operation.name is 404 for an unknown $param", async ({ operation, param }) => {
    const names = { ...shared.names, [param]: unknownNames[param] };
    await refused(await perform(operation, shared, { names }), 404, "not_found");
  });

  test("[O6] every operation of a deleted room is 410, until it is made again", async () => {
    const world = await newWorld();
    const room = `/v1/rooms/${world.names.room}`;
    expect((await call(room, { method: "DELETE", credential: world.token })).status).toBe(204);
    for (const operation of inRooms.filter(({ name }) => name !== "PUT /v1/rooms/{room}"))
      await refused(await perform(operation, world, { names: world.names }), 410, "room_deleted");
    const again = await call(room, { method: "PUT", credential: world.token, body: {} });
    expect(await again.json()).toMatchObject({ name: world.names.room, head: 0, oldest: 1 });
    expect(again.status).toBe(201);
    await refused(await call(`${room}/messages/1`, { credential: world.token }), 404, "not_found");
  });
});

test("[T2] every operation of a suspended tenant is 403, until it is resumed", async () => {
  const world = await newWorld();
  await suspend(world);
  const refusals = operations.filter(({ plane }) => plane !== "everyone" && plane !== "operator");
  await expect
    .poll(async () => (await call("/v1/tenant", { credential: world.tenant.key })).status, { timeout: 6_000 })
    .toBe(403);
  for (const operation of refusals) await refused(await perform(operation, world), 403, "tenant_suspended");
  await asOperator(`/v1/tenants/${world.tenant.id}/resume`, { method: "POST" });
  await expect
    .poll(async () => (await call("/v1/tenant", { credential: world.tenant.key })).status, { timeout: 6_000 })
    .toBe(200);
});

describe("bad input", () => {
  const withParams = operations.flatMap((operation) =>
    paramsOf(operation).map((param) => ({ operation, param, values: badNames[param] })),
  );
  test.each(withParams)(
    "[H2] $operation.name is 400 for a {$param} that is none",
    async ({ operation, param, values }) => {
      for (const value of values)
        await refused(
          await perform(operation, shared, { names: { ...shared.names, [param]: value } }),
          400,
          "invalid_field",
        );
    },
  );

  const withQuery = operations.filter(({ query }) => query !== undefined);
  test.each(withQuery)("[H2] $name is 400 for a query that it does not declare", async (operation) => {
    for (const query of ["?limitt=1", "?__proto__=1", "?constructor=1", ...badQueries(operation)])
      await refused(await perform(operation, shared, { query }), 400, "invalid_field");
  });

  const withBody = operations.filter(({ body }) => body !== undefined);
  test.each(withBody)("[H2] $name is 400 for a body with wrong types or extra fields", async (operation) => {
    for (const body of badBodies(operation.body ?? {}))
      await refused(await perform(operation, shared, { body }), 400, "invalid_field");
  });

  test.each(withBody)("[H1] $name is 400 for what is not JSON", async (operation) => {
    for (const body of ["{", "nonsense", "{'a':1}", '{"a":1,}', "\u0000", '{"a":NaN}', '"\\ud800'])
      await refused(await perform(operation, shared, { body }), 400, "bad_request");
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data",
      "application/jsonx",
      "json",
    ]) {
      const headers = { "Content-Type": type };
      await refused(await perform(operation, shared, { headers }), 400, "bad_request");
    }
  });

  test("[H2] a content type is compared as RFC 9110 says: without case, with parameters", async () => {
    for (const type of ["APPLICATION/JSON", "application/json;charset=utf-8", "application/merge-patch+json"]) {
      const options = { method: "PATCH", credential: shared.tenant.key, body: {}, headers: { "Content-Type": type } };
      expect((await call("/v1/tenant", { ...options, body: { name: "Test" } })).status).toBe(200);
      await refused(await call("/v1/tenant", { ...options, body: { nome: "Test" } }), 400, "invalid_field");
    }
  });

  test.each(ofClients)("[H2] $name is 400 for a Parley-User that is none, 403 for another's", async (operation) => {
    for (const user of ["a b", "a/b", "__proto__", "u".repeat(129)])
      await refused(await perform(operation, shared, { credential: shared.tenant.key, user }), 400, "invalid_field");
    await refused(await perform(operation, shared, { credential: shared.token, user: "mo" }), 403, "forbidden");
  });
});

function denied({ denied: status }: Operation, response: Response): Promise<unknown> {
  return status === 404 ? refused(response, 404, "not_found") : refused(response, 403, "forbidden");
}

/** What is there at once of a stream that has no end. */
async function headOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const read = await reader?.read();
  await reader?.cancel();
  return new TextDecoder().decode(read?.value);
}

function contentOf(responses: object, status: number): object {
  const { content = {} } = (responses as Record<number, { content?: object }>)[status] ?? {};
  return content;
}

function badQueries({ query = {} }: Operation): string[] {
  return Object.entries(query).flatMap(([name, values]) => [
    ...values.map((value) => `?${name}=${encodeURIComponent(value)}`),
    `?${name}=1&${name}=2`,
  ]);
}

/** The body as something else, with something more, and with each of its fields as every wrong type. */
function badBodies(good: Readonly<Record<string, unknown>>): string[] {
  const text = JSON.stringify(good);
  const wrong: unknown[] = [[], [[]], true, { x: 1 }, "", "\u0000", -1, 1.5, 1e300];
  const mistyped = Object.entries(good).flatMap(([field, value]) =>
    wrong
      .filter((other) => field !== "data" && !(field === "until" && other === -1))
      .filter((other) => typeof value !== "boolean" || typeof other !== "boolean")
      // An empty text, list or table is a value like any other.
      .filter((other) => !(Array.isArray(value) && JSON.stringify(other) === "[]"))
      .filter((other) => !(field === "text" && (other === "" || other === "\u0000")))
      .filter((other) => !(["reason", "note"].includes(field) && typeof other === "string"))
      .map((other) => JSON.stringify({ ...good, [field]: other })),
  );
  const extra = [
    '"extra":1',
    '"__proto__":{"x":1}',
    '"constructor":1',
    '"prototype":{}',
    '"room":"x"',
    '"requestId":"x"',
  ].filter((field) => !Object.hasOwn(good, Object.keys(JSON.parse(`{${field}}`))[0] ?? ""));
  return [
    "[]",
    "null",
    "1",
    '"text"',
    `[${text}]`,
    ...mistyped,
    ...extra.map((field) => `${text.slice(0, -1)}${text === "{}" ? "" : ","}${field}}`),
  ];
}
