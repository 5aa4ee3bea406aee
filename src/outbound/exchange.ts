/** One request to an address outside that a tenant named, and its answer, both bounded in time. */
import { type EndpointUrl, unfitEndpoint } from "../protocol/endpoint.ts";

/** What can be wrong, in words that may be shown: nothing of the answer is in them. */
export const faults = {
  private: "its address is not a public one",
  unreachable: "it cannot be reached",
  slow: "it did not answer in time",
  redirected: "it answered with a redirect",
  refused: "it answered with an error",
  too_large: "its answer is too large",
  not_json: "its answer is not JSON",
  not_events: "its answer is no stream of events",
  broken: "its answer broke off",
  garbled: "its answer cannot be understood",
} as const;
export type Fault = keyof typeof faults;

export interface Exchange {
  readonly url: EndpointUrl;
  /** Of the deployment: whether it may lead into its own network. */
  readonly isPrivateAllowed: boolean;
  readonly timeoutMs: number;
  readonly request: RequestInit;
  /** Ends it from outside. */
  readonly signal?: AbortSignal;
}

/** Gives the server so much more time, from now on. */
export type Extend = (timeoutMs: number) => void;

/**
 * Never throws. The time is that of the whole answer, which `read` may take as much of as it likes, and may extend: a server that
 * sends a byte a second is cut like one that sends none. No timer is left when it returns.
 */
export async function exchange<Read>(
  { url, isPrivateAllowed, timeoutMs, request, signal }: Exchange,
  read: (response: Response, extend: Extend) => Promise<Read>,
): Promise<Read | Fault> {
  // Also when it was checked before: what a deployment allows may have changed since.
  if (unfitEndpoint(url, isPrivateAllowed) !== null) return "private";
  const ending = new AbortController();
  let timer = setTimeout(() => ending.abort(), timeoutMs);
  const extend = (moreMs: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => ending.abort(), moreMs);
  };
  const either = signal === undefined ? ending.signal : AbortSignal.any([ending.signal, signal]);
  try {
    // A redirect is none of ours to follow: it leads where nobody has checked.
    return await read(await fetch(url, { ...request, redirect: "manual", signal: either }), extend);
  } catch {
    return ending.signal.aborted ? "slow" : "unreachable";
  } finally {
    clearTimeout(timer);
  }
}

/** Cut as soon as it is too much: what is announced may be a lie, and what is compressed is larger than that. */
export async function firstBytes(
  response: Response,
  bytesMax: number,
): Promise<{ readonly blob: Blob; readonly isWhole: boolean }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels the rest.
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > bytesMax) return { blob: new Blob(chunks), isWhole: false };
    chunks.push(chunk);
  }
  return { blob: new Blob(chunks), isWhole: true };
}
