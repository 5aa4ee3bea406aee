/** One question to an address outside that a tenant named: bounded in time and size, and answered in JSON or not at all. */
import { type EndpointUrl, unfitEndpoint } from "../protocol/endpoint.ts";
import { fixedLimits } from "../protocol/limits.ts";

/** What can be wrong with an answer, in words that may be shown: nothing of the answer is in them. */
export const faults = {
  private: "its address is not a public one",
  unreachable: "it cannot be reached",
  slow: "it did not answer in time",
  redirected: "it answered with a redirect",
  refused: "it answered with an error",
  too_large: "its answer is too large",
  not_json: "its answer is not JSON",
} as const;
export type Fault = keyof typeof faults;

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

/** Never throws. The time is that of the whole answer: a server that sends a byte a second is cut like one that sends none. */
export async function askJson(question: Question): Promise<Answered> {
  const { url, isPrivateAllowed, timeoutMs = fixedLimits.outboundMsMax } = question;
  // Also when it was checked before: what a deployment allows may have changed since.
  if (unfitEndpoint(url, isPrivateAllowed) !== null) return { ok: false, fault: "private" };
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, { ...requestOf(question), redirect: "manual", signal });
    const fault = faultOf(response);
    if (fault === null) return await read(response, question.bytesMax ?? fixedLimits.outboundBytesMax);
    await response.body?.cancel();
    return { ok: false, fault };
  } catch {
    return { ok: false, fault: signal.aborted ? "slow" : "unreachable" };
  }
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

/** A redirect is none of ours to follow: it leads where nobody has checked. */
function faultOf({ status, ok, headers }: Response): Fault | null {
  if (status >= 300 && status < 400) return "redirected";
  if (!ok) return "refused";
  return /^application\/([\w.+-]+\+)?json\b/i.test(headers.get("content-type") ?? "") ? null : "not_json";
}

/** Cut as soon as it is too much: what is announced may be a lie, and what is compressed is larger than that. */
async function read(response: Response, bytesMax: number): Promise<Answered> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels the rest.
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > bytesMax) return { ok: false, fault: "too_large" };
    chunks.push(chunk);
  }
  try {
    const json: unknown = JSON.parse(await new Blob(chunks).text());
    return { ok: true, json };
  } catch {
    return { ok: false, fault: "not_json" };
  }
}
