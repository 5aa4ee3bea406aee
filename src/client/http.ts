/** Calls over HTTP, with the token, and each no as a ParleyError. */
import type { Problem } from "../protocol/http.ts";
import { networkError, ParleyError } from "./error.ts";
import type { Tokens } from "./token.ts";

export interface Call {
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** JSON. */
  readonly body?: unknown;
  readonly bytes?: Blob;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

const answerMs = 30_000;

export class Http {
  readonly url: string;
  readonly fetch: typeof fetch;
  readonly tokens: Tokens;

  /** `url` has no trailing slash. */
  constructor(url: string, tokens: Tokens, fetching: typeof fetch) {
    this.url = url;
    this.tokens = tokens;
    this.fetch = fetching;
  }

  /** What is answered, as JSON; null where there is nothing. Throws a ParleyError, or what the signal says. */
  async call<Answer>(method: string, path: string, call: Call = {}): Promise<Answer> {
    const { signal, bytes } = call;
    const patience = bytes === undefined ? AbortSignal.timeout(answerMs) : undefined;
    const either = patience && signal ? AbortSignal.any([signal, patience]) : (signal ?? patience);
    try {
      const response = await this.#send(method, path, call, either);
      const text = await response.text();
      return (text === "" ? null : JSON.parse(text)) as Answer;
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof ParleyError ? error : networkError("The server was not reached.", error);
    }
  }

  /** With a token that has just ended it is sent once more. */
  async #send(method: string, path: string, call: Call, signal: AbortSignal | undefined): Promise<Response> {
    for (let isSecond = false; ; isSecond = true) {
      const token = await aborting(this.tokens.current(), signal);
      const response = await this.#request(method, path, call, token, signal);
      if (response.ok) return response;
      const error = await problemOf(response);
      if (response.status === 401) this.tokens.drop(token);
      if (error.code !== "token_expired" || isSecond) throw error;
    }
  }

  #request(
    method: string,
    path: string,
    { query = {}, body, bytes, headers }: Call,
    token: string,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const asked = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) asked.set(name, `${value}`);
    const isJson = body !== undefined;
    return this.fetch(`${this.url}${path}${asked.size > 0 ? `?${asked}` : ""}`, {
      method,
      headers: {
        Authorization: `Bearer ${token}`,
        ...(isJson ? { "Content-Type": "application/json" } : {}),
        ...headers,
      },
      body: isJson ? JSON.stringify(body) : (bytes ?? null),
      signal: signal ?? null,
    });
  }
}

/** A proxy between may answer anything. */
export async function problemOf(response: Response): Promise<ParleyError> {
  const { status } = response;
  const problem = (await response.json().catch(() => null)) as (Problem & { readonly want?: number }) | null;
  if (typeof problem?.code === "string") return new ParleyError(problem.code, problem.detail, problem);
  const isTheirs = status >= 500 || status === 429;
  return new ParleyError(isTheirs ? "overloaded" : "bad_request", `HTTP ${status}`, { status, retryable: isTheirs });
}

/** The same promise, or the end of the waiting for it. */
export function aborting<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
