/** Delivers a body to an address outside that a tenant named, and says what came of it. */
import type { EndpointUrl } from "../protocol/endpoint.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { exchange, faults, firstBytes } from "./exchange.ts";

export interface Letter {
  readonly url: EndpointUrl;
  /** Of the deployment: whether it may lead into its own network. */
  readonly isPrivateAllowed: boolean;
  /** JSON. */
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Posted {
  /** It answered with a 2xx. */
  readonly ok: boolean;
  /** Null where it did not answer. */
  readonly status: number | null;
  /** In words that may be shown: nothing of the answer is in them. */
  readonly error: string | null;
  /** As it asked for. */
  readonly retryAfterMs: number | null;
  /** The beginning of the answer's text, which is shown to who administers and kept by nobody. */
  readonly excerpt: string;
}

/**
 * Never throws. The status decides, as soon as it is there; the rest is read, up to 64 KB of it and while there is time, so that
 * the connection can be used again.
 */
export async function post({ url, isPrivateAllowed, body, headers }: Letter): Promise<Posted> {
  const request = {
    method: "POST",
    headers: { "Content-Type": "application/json", "User-Agent": "Parley-Webhooks", ...headers },
    body,
  };
  const timeoutMs = fixedLimits.webhookMsMax;
  const answered = await exchange({ url, isPrivateAllowed, timeoutMs, request }, async (response) => {
    return { ...postedOf(response), excerpt: await excerptOf(response) };
  });
  if (typeof answered !== "string") return answered;
  return { ok: false, status: null, error: faults[answered], retryAfterMs: null, excerpt: "" };
}

/** Nothing of one that was cut off. */
async function excerptOf(response: Response): Promise<string> {
  try {
    const { blob } = await firstBytes(response, fixedLimits.outboundBytesMax);
    return (await blob.slice(0, 4 * fixedLimits.webhookExcerpt).text()).slice(0, fixedLimits.webhookExcerpt);
  } catch {
    return "";
  }
}

function postedOf({ ok, status, headers }: Response): Omit<Posted, "excerpt"> {
  const isRedirect = status >= 300 && status < 400;
  const error = ok ? null : isRedirect ? faults.redirected : `${faults.refused}: ${status}`;
  return { ok, status, error, retryAfterMs: retryAfterOf(headers.get("retry-after"), Date.now()) };
}

/** Seconds, or a date; null for what is neither. */
export function retryAfterOf(header: string | null, nowMs: number): number | null {
  if (header === null) return null;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}
