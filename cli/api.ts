/** Calls to the server, with the key. What comes back is parsed, and each no becomes a Refused. */
import { setTimeout as delay } from "node:timers/promises";
import type * as z from "zod";
import { Problem } from "../src/protocol/http.ts";
import type { Access } from "./access.ts";
import { valueOf } from "./answer.ts";
import { Failure, Refused, systemCode, Unreachable } from "./failure.ts";
import type { Terminal } from "./terminal.ts";
import { span } from "./time.ts";

export interface Call {
  readonly method?: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** JSON. */
  readonly body?: unknown;
  /** Bytes as they come, of NDJSON. */
  readonly lines?: AsyncIterable<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Which key is needed. */
  readonly as?: "tenant" | "operator";
  /** For whom a key speaks. */
  readonly user?: string | undefined;
  readonly signal?: AbortSignal;
}

const answerMs = 30_000;
/** Pauses before what may be sent twice is sent again: for who waits for an answer, and for what runs by itself. */
export const patience = {
  short: [500, 1_000, 2_000],
  long: [500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000],
} as const;
/** A longer wait than this is for a person to decide. */
const waitMsMax = 10_000;

export class Api {
  readonly url: string;
  readonly #access: Access;
  readonly #terminal: Terminal;

  constructor(access: Access, terminal: Terminal) {
    this.url = access.url;
    this.#access = access;
    this.#terminal = terminal;
  }

  /** What is answered, as the schema reads it. */
  async ask<Schema extends z.ZodType>(path: string, schema: Schema, call: Call = {}): Promise<z.output<Schema>> {
    const signal = call.signal ?? AbortSignal.timeout(answerMs);
    const response = await this.open(path, { ...call, signal });
    const parsed = schema.safeParse(await this.#valueOf(response));
    if (parsed.success) return parsed.data;
    throw new Failure(`${new URL(this.url).host} answers something else than Parley does: is it another version?`);
  }

  /** Where nothing is answered. */
  async tell(path: string, call: Call): Promise<void> {
    const response = await this.open(path, { signal: AbortSignal.timeout(answerMs), ...call });
    await response.body?.cancel();
  }

  /** What may be sent twice is sent again where it was not answered, or was too early. */
  async insist<Schema extends z.ZodType>(
    path: string,
    schema: Schema,
    call: Call,
    pausesMs: readonly number[],
  ): Promise<z.output<Schema>> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.ask(path, schema, call);
      } catch (error) {
        const waitMs = pauseAfter(error, pausesMs[attempt]);
        if (waitMs === null) throw error;
        this.#terminal.note(`${messageOf(error)} Trying again in ${span(waitMs)}.`);
        await delay(waitMs);
      }
    }
  }

  /** Its body is still to be read. */
  async open(path: string, call: Call): Promise<Response> {
    const response = await this.#send(path, call);
    if (response.ok) return response;
    const problem = Problem.safeParse(await this.#valueOf(response));
    if (problem.success) throw new Refused(problem.data);
    throw new Unreachable(`${new URL(this.url).host} answers ${response.status}, and not as Parley does.`);
  }

  async #valueOf(response: Response): Promise<unknown> {
    try {
      return await valueOf(response);
    } catch (error) {
      throw error instanceof Failure ? error : unreachable(this.url, error);
    }
  }

  async #send(path: string, { method = "GET", query = {}, body, lines, headers, as, user, signal }: Call) {
    const asked = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) asked.set(name, String(value));
    const key = this.#access.key(as);
    const type = lines === undefined ? "application/json" : "application/x-ndjson";
    const content = lines ?? (body === undefined ? null : JSON.stringify(body));
    try {
      return await fetch(`${this.url}${path}${asked.size > 0 ? `?${asked.toString()}` : ""}`, {
        method,
        headers: {
          Authorization: `Bearer ${key}`,
          ...(content !== null && { "Content-Type": type }),
          // A header is made of bytes: fetch takes a character for each, and refuses what is none.
          ...(user !== undefined && { "Parley-User": Buffer.from(user).toString("latin1") }),
          ...headers,
        },
        body: content,
        ...(lines !== undefined && { duplex: "half" as const }),
        // The key is for this server and for no other.
        redirect: "error",
        signal: signal ?? null,
      });
    } catch (error) {
      // What feeds the request may have failed, and not the server.
      const cause = error instanceof Error ? error.cause : undefined;
      throw [error, cause].find((each) => each instanceof Failure) ?? unreachable(this.url, error);
    }
  }
}

/** Null where it is not to be tried again. */
function pauseAfter(error: unknown, pauseMs: number | undefined): number | null {
  if (pauseMs === undefined) return null;
  if (error instanceof Unreachable) return pauseMs;
  if (!(error instanceof Refused) || !error.refusal.retryable) return null;
  const waitMs = Math.max(error.refusal.retryAfterMs ?? 0, pauseMs);
  return waitMs <= waitMsMax ? waitMs : null;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function unreachable(url: string, error: unknown): Unreachable {
  const { host } = new URL(url);
  if (error instanceof Error && error.name === "TimeoutError")
    return new Unreachable(`${host} does not answer within ${answerMs / 1_000} s.`);
  const code = systemCode(error);
  const known = { ECONNREFUSED: "nobody listens there", ENOTFOUND: "there is no such host", ECONNRESET: "it hung up" };
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : "no answer";
  const why = (code === undefined ? undefined : Reflect.get(known, code)) ?? code ?? cause;
  return new Unreachable(`${host} is not reached: ${String(why)}.`);
}
