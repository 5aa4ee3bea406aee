/** The HTTP API by its declared types: `await answered(api.v1.rooms.$get({ query: {} }))`. */
import { type ClientResponse, hc } from "hono/client";
import type { SuccessStatusCode } from "hono/utils/http-status";
import type { AppType } from "../src/index.ts";
import { problemOf, unreached } from "./problem.ts";
import { currentKey, lose } from "./session.ts";

/** By name: written out whole it is longer than the compiler allows. */
export type Api = ReturnType<typeof hc<AppType>>;

/**
 * Every request carries the key of this tab, and whatever is refused is thrown as a ProblemError. A key that is no longer good ends the
 * session: the sign-in comes back with the API's words, and after it the page that one was on.
 */
export const api: Api = speaking(currentKey);

/** As `api`, for what takes several requests: each carries the key that is used now, whoever signs in before the last of them. */
export function steadyApi(): Api {
  const key = currentKey();
  return speaking(() => key);
}

function speaking(keyOf: () => string | null): Api {
  return hc<AppType>(location.origin, {
    headers: () => bearer(keyOf() ?? ""),
    fetch: async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
      const response = await reached(input, init);
      if (response.ok) return response;
      const problem = await problemOf(response);
      // Of the key that was sent: another one may be used by now.
      if (problem.status === 401) lose(keyIn(init), problem.message);
      throw problem;
    },
  });
}

/** As `api`, with a key that is only being tried: nothing ends when it is refused. */
export function apiWith(key: string): Api {
  return hc<AppType>(location.origin, {
    headers: bearer(key),
    fetch: async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
      const response = await reached(input, init);
      if (response.ok) return response;
      throw await problemOf(response);
    },
  });
}

/** For routes that a tenant's server calls on behalf of a user: `$post({ param, json }, asUser("ada"))`. */
export function asUser(user: string): { headers: Record<string, string> } {
  // A header is made of bytes: `fetch` takes a character for each, and refuses what is none.
  const bytes = String.fromCharCode(...new TextEncoder().encode(user));
  return { headers: { ...bearer(currentKey() ?? ""), "Parley-User": bytes } };
}

type Answer<R> =
  R extends ClientResponse<infer Body, infer Status, infer Format>
    ? Status extends SuccessStatusCode
      ? Format extends "json"
        ? Body
        : undefined
      : never
    : never;

/** The body of what went well; undefined where there is none (204). Its type is what the route declares. Throws a ProblemError. */
export async function answered<R extends ClientResponse<unknown, number>>(asked: Promise<R>): Promise<Answer<R>> {
  const response = await asked;
  // The server is of the same build as this page: what it declares is what it says.
  return (response.status === 204 ? undefined : await response.json()) as Answer<R>;
}

function bearer(key: string): { Authorization: string } {
  return { Authorization: `Bearer ${key}` };
}

function keyIn(init: RequestInit | undefined): string {
  return new Headers(init?.headers).get("Authorization")?.replace(/^Bearer /, "") ?? "";
}

async function reached(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  try {
    return await fetch(input, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw unreached(error);
  }
}
