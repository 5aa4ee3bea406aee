/** One question to an address outside that a tenant named: answered in JSON or not at all. */
import type { EndpointUrl } from "../protocol/endpoint.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { exchange, type Fault, firstBytes } from "./exchange.ts";

export interface Question {
  readonly url: EndpointUrl;
  /** Of the deployment: whether it may lead into its own network. */
  readonly isPrivateAllowed: boolean;
  /** Sent as JSON by POST; without it the question is a GET. */
  readonly body?: unknown;
  /** They may hold a signature, and are shown to nobody else. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly bytesMax?: number;
}

export type Answered = { readonly ok: true; readonly json: unknown } | { readonly ok: false; readonly fault: Fault };

/** Never throws. */
export async function askJson(question: Question): Promise<Answered> {
  const { url, isPrivateAllowed, timeoutMs = fixedLimits.outboundMsMax } = question;
  const bytesMax = question.bytesMax ?? fixedLimits.outboundBytesMax;
  const answered = await exchange({ url, isPrivateAllowed, timeoutMs, request: requestOf(question) }, (response) =>
    answerIn(response, bytesMax),
  );
  return typeof answered === "string" ? { ok: false, fault: answered } : answered;
}

function requestOf({ body, headers }: Question): RequestInit {
  const accept = { Accept: "application/json", "User-Agent": "Parley" };
  if (body === undefined) return { method: "GET", headers: { ...accept, ...headers } };
  return {
    method: "POST",
    headers: { ...accept, "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
}

async function answerIn(response: Response, bytesMax: number): Promise<Answered> {
  const fault = faultOf(response);
  if (fault === null) return read(response, bytesMax);
  await response.body?.cancel();
  return { ok: false, fault };
}

function faultOf({ status, ok, headers }: Response): Fault | null {
  if (status >= 300 && status < 400) return "redirected";
  if (!ok) return "refused";
  return /^application\/([\w.+-]+\+)?json\b/i.test(headers.get("content-type") ?? "") ? null : "not_json";
}

async function read(response: Response, bytesMax: number): Promise<Answered> {
  const { blob, isWhole } = await firstBytes(response, bytesMax);
  if (!isWhole) return { ok: false, fault: "too_large" };
  try {
    const json: unknown = JSON.parse(await blob.text());
    return { ok: true, json };
  } catch {
    return { ok: false, fault: "not_json" };
  }
}
