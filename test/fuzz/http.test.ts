import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Problem } from "../../src/protocol/http.ts";
import { refusals } from "../../src/protocol/refusals.ts";
import {
  isSocket,
  newWorld,
  type Names,
  type Operation,
  operations,
  paramsOf,
  perform,
  release,
  unknownNames,
  type World,
} from "../routes/operations.ts";
import { roomy } from "../support/roomy.ts";
import { bodyOf } from "../routes/answers.ts";

/** As many as a run has time for, with some 110 operations; `VITE_PARLEY_CASES=1000` for a night. */
const casesEach = Number(process.env["VITE_PARLEY_CASES"] ?? 60);

/** What a client's library lets through in a header: printable ASCII. */
const headerText = fc.string({ maxLength: 40 });
const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ maxLength: 300 }),
  fc.constantFrom(
    "",
    "0",
    "-1",
    "1e9",
    "__proto__",
    "constructor",
    "null",
    "true",
    "[]",
    "%00",
    "'; DROP TABLE message;--",
    "../..",
    "a\u0000b",
    "9007199254740993",
    "\ud83d\ude00",
  ),
);
const anyValue = fc.oneof(
  fc.jsonValue(),
  anyText,
  fc.constantFrom<unknown>(null, true, 0, -1, 0.5, 1e300, [], {}, [[]], 2 ** 53),
);

interface Case {
  readonly names: Readonly<Record<string, string>>;
  readonly query: readonly (readonly [string, string])[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

function casesOf(operation: Operation): fc.Arbitrary<Case> {
  const good = operation.body ?? {};
  const declared = Object.keys(operation.query ?? {});
  const mutatedBody = fc.oneof(
    fc.constant(JSON.stringify(good)),
    fc
      .tuple(fc.constantFrom(...Object.keys(good), "extra"), anyValue)
      .map(([field, value]) => JSON.stringify({ ...good, [field]: value })),
    fc
      .tuple(fc.constantFrom(...Object.keys(good), "extra"), anyText, anyValue)
      .map(([field, key, value]) => JSON.stringify({ ...good, [field]: { [key]: value } })),
    fc.tuple(anyText, anyValue).map(([field, value]) => JSON.stringify({ ...good, [field]: value })),
    fc.jsonValue().map((value) => JSON.stringify(value)),
    fc.string(),
  );
  const params = paramsOf(operation);
  const badNames =
    params.length === 0
      ? fc.constant({})
      : fc.dictionary(
          fc.constantFrom(...params),
          anyText.filter((text) => text.isWellFormed()),
          { maxKeys: 1 },
        );
  return fc.record({
    names: fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: badNames }),
    query: fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      {
        weight: 1,
        arbitrary: fc.array(fc.tuple(fc.constantFrom(...declared, "extra", "limit"), anyText), { maxLength: 3 }),
      },
    ),
    headers: fc.oneof(
      { weight: 3, arbitrary: fc.constant({}) },
      {
        weight: 1,
        arbitrary: fc.dictionary(
          fc.constantFrom(
            "Authorization",
            "Parley-User",
            "Idempotency-Key",
            "Content-Type",
            "Origin",
            "X-Request-Id",
            "Sec-WebSocket-Protocol",
            "Last-Event-ID",
            "Accept",
            "Upgrade",
          ),
          headerText,
          { maxKeys: 2 },
        ),
      },
    ),
    body: operation.body === undefined ? fc.constant(undefined) : mutatedBody,
  });
}

let world: World;
/** Called upon once; the others' world is not disturbed. */
const ending = new Set([
  "DELETE /v1/rooms/{room}",
  "DELETE /v1/tenants/{tenant}",
  "POST /v1/tenants/{tenant}/suspend",
  "DELETE /v1/keys/{key}",
  "PUT /v1/rooms/{room}/bans/{user}",
  "PUT /v1/bans/{user}",
  "POST /v1/revocations",
  "POST /v1/rooms/{room}/kicks",
]);

beforeAll(async () => {
  world = await newWorld(roomy, {});
});

test.each(operations)(
  `[H2] ${casesEach} odd requests to $name: no 5xx, every no is a problem of the table, every yes is as declared`,
  async (operation) => {
    const mine = ending.has(operation.name) ? await newWorld() : world;
    const cases = fc.sample(casesOf(operation), { numRuns: casesEach, seed: 20_260_815 });
    for (const { names, query, headers, body } of cases) {
      const response = await perform(operation, mine, {
        names: nameOf(mine, names),
        query:
          query.length === 0
            ? ""
            : `?${query.map(([name, value]) => `${name}=${encodeURIComponent(value.toWellFormed())}`).join("&")}`,
        headers,
        ...(body === undefined ? {} : { body }),
      });
      await check(operation, response, { names, query, headers, body });
    }
  },
);

afterAll(async () => {
  for (const name of ["GET /v1/rooms/{room}/messages", "GET /v1/tenant"]) {
    const operation = operations.find((one) => one.name === name);
    if (operation !== undefined) expect((await perform(operation, world)).status).toBe(200);
  }
  expect(({} as { x?: unknown }).x).toBeUndefined();
});

function nameOf({ names }: World, odd: Readonly<Record<string, string>>): Names {
  return {
    ...names,
    ...Object.fromEntries(
      Object.entries(odd).map(([param, value]) => [param, value === "" ? unknownNames.room : value]),
    ),
  };
}

async function check(operation: Operation, response: Response, asked: Case): Promise<void> {
  if (operation.stream === true && response.status === 200) {
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    return release(response);
  }
  const text = await bodyOf(response);
  const told = `${operation.name} ${JSON.stringify(asked)}\n${response.status} ${text}`;
  if (response.webSocket !== null) {
    await release(response);
    if (!isSocket(operation)) expect.fail(told);
    return;
  }
  if (response.ok) {
    const schema = operation.answers[response.status];
    if (schema === undefined) expect.fail(`not declared: ${told}`);
    if (schema === null) return expect(text).toBe("");
    const said: unknown = operation.contentType === undefined ? JSON.parse(text) : text;
    const parsed = schema.safeParse(said);
    if (!parsed.success) expect.fail(`not as declared: ${told}\n${parsed.error.message}`);
    // Parsing drops what is not declared.
    expect(JSON.parse(JSON.stringify(parsed.data))).toEqual(said);
    return;
  }
  if (response.status >= 500) expect.fail(told);
  const problem = Problem.strict().safeParse(JSON.parse(text));
  if (!problem.success) expect.fail(`no problem: ${told}`);
  expect([told, response.headers.get("content-type")]).toEqual([told, "application/problem+json"]);
  expect([told, refusals[problem.data.code].status]).toEqual([told, response.status]);
  expect(problem.data.requestId).toBe(response.headers.get("x-request-id"));
}
