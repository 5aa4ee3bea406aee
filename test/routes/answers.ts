/** What an answer must be: as its route declares it, or a problem of the table; with the headers that all have. */
import { expect } from "vitest";
import type * as z from "zod";
import { Problem } from "../../src/protocol/http.ts";
import { type RefusalCode, refusals } from "../../src/protocol/refusals.ts";

/** A problem with this status and code. Its body says nothing that the table does not know. */
export async function refused(response: Response, status: number, code?: RefusalCode): Promise<Problem> {
  // A stream of events has no end to wait for.
  const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  const text = isStream ? "a stream" : await bodyOf(response);
  expect(`${response.status} ${text}`).toMatch(new RegExp(`^${status} `));
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem = Problem.strict().parse(JSON.parse(text));
  if (code !== undefined) expect(problem.code).toBe(code);
  const row = refusals[problem.code];
  expect(problem).toMatchObject({
    type: `/errors/${problem.code}`,
    title: row.text,
    status: row.status,
    retryable: row.retry !== "no",
    requestId: response.headers.get("x-request-id"),
  });
  expect(response.status).toBe(row.status);
  return problem;
}

/** A body that is what the schema says and nothing else. */
export async function answered<T extends z.ZodType>(
  response: Response,
  status: number,
  schema: T,
): Promise<z.infer<T>> {
  const text = await bodyOf(response);
  expect(`${response.status} ${text}`).toMatch(new RegExp(`^${status} `));
  expect(response.headers.get("content-type")).toBe("application/json");
  const parsed = schema.parse(JSON.parse(text));
  // Parsing drops what is not declared.
  expect(JSON.parse(JSON.stringify(parsed))).toEqual(JSON.parse(text));
  return parsed;
}

/** The headers of every answer of the API. */
export function hasSafeHeaders(response: Response): void {
  const { headers } = response;
  expect(headers.get("x-request-id")).toMatch(/^[\w\-=]{1,64}$/);
  expect(headers.get("x-content-type-options")).toBe("nosniff");
  expect(headers.get("referrer-policy")).toBe("no-referrer");
  expect(headers.get("strict-transport-security")).toMatch(/^max-age=\d{7,}/);
  expect(headers.get("x-frame-options")).toMatch(/^(DENY|SAMEORIGIN)$/);
  expect(headers.get("content-security-policy")).toMatch(/frame-ancestors 'none'/);
  expect(headers.get("x-powered-by")).toBeNull();
  expect(headers.get("set-cookie")).toBeNull();
}

/** As text whatever it is declared as: workerd warns where text is made of lines of JSON or of a file. */
export async function bodyOf(response: Response): Promise<string> {
  return new TextDecoder().decode(await response.arrayBuffer());
}
