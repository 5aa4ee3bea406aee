/** An answer of a model, as OpenAI's protocol streams it: its text piece by piece, within bounds of time and size. */
import { createParser } from "eventsource-parser";
import * as z from "zod";
import type { EndpointUrl } from "../protocol/endpoint.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { exchange, type Extend, type Fault } from "./exchange.ts";
import { retryAfterOf } from "./post.ts";

export interface Talk {
  /** Without `/chat/completions`. */
  readonly url: EndpointUrl;
  /** Of the deployment: whether it may lead into its own network. */
  readonly isPrivateAllowed: boolean;
  readonly key: string | null;
  readonly body: object;
  /** Before the first byte, and between any two. */
  readonly silenceMs: number;
  /** Ends it from outside: the connection is closed. */
  readonly signal: AbortSignal;
}

/** `isPassing`: the same question may be answered if it is asked again. Nothing of what was answered is in it. */
export type Told =
  | { readonly ok: true }
  | { readonly ok: false; readonly fault: Fault; readonly isPassing: boolean; readonly retryAfterMs: number | null };

/** Never throws. `onText` is called with each piece as it comes. */
export async function converse(talk: Talk, onText: (text: string) => void): Promise<Told> {
  const { url, isPrivateAllowed, key, body, silenceMs, signal } = talk;
  const request = {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "text/event-stream",
      "User-Agent": "Parley",
      ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify(body),
  };
  const address = `${url.replace(/\/+$/, "")}/chat/completions`;
  const asked = { url: address, isPrivateAllowed, timeoutMs: silenceMs, request, signal };
  const told = await exchange(asked, (response, extend) => hear(response, { silenceMs, extend, onText }));
  if (typeof told !== "string") return told;
  return failed(told, told === "unreachable");
}

interface Hearing {
  readonly silenceMs: number;
  readonly extend: Extend;
  readonly onText: (text: string) => void;
}

async function hear(response: Response, { silenceMs, extend, onText }: Hearing): Promise<Told> {
  const refused = refusalOf(response);
  if (refused !== null || response.body === null) {
    await response.body?.cancel();
    return refused ?? failed("not_events");
  }
  return hearEvents(response.body, { onText, onBytes: () => extend(silenceMs) });
}

function refusalOf({ status, ok, headers }: Response): Told | null {
  if (status >= 300 && status < 400) return failed("redirected");
  const isPassing = status === 429 || status === 408 || status >= 500;
  if (!ok)
    return { ...failed("refused", isPassing), retryAfterMs: retryAfterOf(headers.get("retry-after"), Date.now()) };
  return /^text\/event-stream\b/i.test(headers.get("content-type") ?? "") ? null : failed("not_events");
}

/** Of an event of the stream. Workers AI says `response`. */
const Chunk = z.object({
  choices: z
    .array(
      z.object({ delta: z.object({ content: z.string().nullish() }).nullish(), finish_reason: z.string().nullish() }),
    )
    .optional(),
  response: z.string().nullish(),
  error: z.unknown().optional(),
});

/** A stream of events to its end. What throws in it is for the caller. */
export async function hearEvents(
  body: ReadableStream<Uint8Array>,
  { onText, onBytes }: { readonly onText: (text: string) => void; readonly onBytes: () => void },
): Promise<Told> {
  let end: Told | null = null;
  let isFinished = false;
  const parser = createParser({
    maxBufferSize: fixedLimits.assistantEventUnits,
    onError: ({ type }) => {
      if (type === "max-buffer-size-exceeded") end ??= failed("too_large");
    },
    onEvent: ({ data }) => {
      if (end !== null) return;
      if (data.trim() === "[DONE]") end = { ok: true };
      else {
        const said = saidIn(data);
        if (typeof said === "string") end = failed(said);
        else {
          if (said.text !== "") onText(said.text);
          isFinished ||= said.isLast;
        }
      }
    },
  });
  const decoder = new TextDecoder();
  let size = 0;
  // Leaving the loop cancels the rest.
  for await (const bytes of body) {
    onBytes();
    size += bytes.byteLength;
    if (size > fixedLimits.assistantBytesMax) return failed("too_large");
    parser.feed(decoder.decode(bytes, { stream: true }));
    if (end !== null) return end;
  }
  return isFinished ? { ok: true } : failed("broken");
}

function saidIn(data: string): Fault | { readonly text: string; readonly isLast: boolean } {
  let json: unknown;
  try {
    json = JSON.parse(data);
  } catch {
    return "garbled";
  }
  const chunk = Chunk.safeParse(json);
  if (!chunk.success) return "garbled";
  const { choices, response, error } = chunk.data;
  if (error !== undefined && error !== null) return "refused";
  const [choice] = choices ?? [];
  const isLast = typeof choice?.finish_reason === "string" && choice.finish_reason !== "";
  return { text: choice?.delta?.content ?? response ?? "", isLast };
}

function failed(fault: Fault, isPassing = false): Told & { readonly ok: false } {
  return { ok: false, fault, isPassing, retryAfterMs: null };
}
