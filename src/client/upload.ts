/** Brings a file: announced, put whole or part by part, and given up where it cannot be brought. */
import type { FileAnswer, UploadAnswer, UploadWay } from "../protocol/upload.ts";
import { backoffMs } from "./backoff.ts";
import { networkError, ParleyError } from "./error.ts";
import { type Http, problemOf } from "./http.ts";
import { pause } from "./stream.ts";

export interface UploadOptions {
  /** Where the file has none of its own. */
  readonly name?: string | undefined;
  readonly type?: string | undefined;
  readonly onProgress?: ((progress: { readonly sent: number; readonly size: number }) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is larger comes in parts, so that a cut costs one of them. */
const wholeBytesMax = 8_388_608;
const attemptsMax = 5;

export async function uploadFile(
  http: Http,
  room: string,
  file: Blob & { readonly name?: string },
  options: UploadOptions = {},
): Promise<FileAnswer> {
  const { size } = file;
  const name = options.name ?? file.name ?? "file";
  const type = options.type ?? (file.type.split(";")[0] || "application/octet-stream");
  const signal = options.signal ?? new AbortController().signal;
  const body = { name, type, size, ...(size > wholeBytesMax ? { inParts: true } : {}) };
  const way = await http.call<UploadWay>("POST", `/v1/rooms/${room}/uploads`, { body, signal });
  const told = { ...options, signal, onProgress: (sent: number) => options.onProgress?.({ sent, size }) };
  try {
    return "put" in way
      ? await again(
          () => put(http, way.put.url, file, 0, told),
          signal,
          () => ready(http, way.upload, signal),
        )
      : await putParts(http, way, file, told);
  } catch (error) {
    // Its bytes are given back at once; if this is lost too, the server does it in a day.
    http.call("DELETE", `/v1/uploads/${way.upload}`).catch(() => undefined);
    throw error;
  }
}

interface Telling {
  readonly signal: AbortSignal;
  readonly onProgress: (sent: number) => void;
}

async function putParts(
  http: Http,
  { parts, complete }: Extract<UploadWay, { parts: object }>,
  file: Blob,
  telling: Telling,
): Promise<FileAnswer> {
  for (let part = 1; part <= parts.count; part++) {
    const from = (part - 1) * parts.partBytes;
    const bytes = file.slice(from, from + parts.partBytes);
    const url = parts.url.replace("{part}", `${part}`);
    await again(() => put(http, url, bytes, from, telling), telling.signal);
  }
  const { signal } = telling;
  const call = (): Promise<{ readonly file: FileAnswer }> => http.call("POST", complete.url, { signal });
  return (await again(call, signal)).file;
}

async function put(
  http: Http,
  url: string,
  bytes: Blob,
  from: number,
  { signal, onProgress }: Telling,
): Promise<FileAnswer> {
  const tell = (sent: number): void => onProgress(from + sent);
  tell(0);
  const answer = await (typeof XMLHttpRequest === "undefined"
    ? http.call<{ readonly file: FileAnswer }>("PUT", url, { bytes, headers: octets, signal })
    : putByRequest(http, url, bytes, tell, signal));
  tell(bytes.size);
  return answer.file;
}

const octets = { "Content-Type": "application/octet-stream" };

/** `fetch` does not say how much has gone; the older way does. */
async function putByRequest(
  http: Http,
  url: string,
  bytes: Blob,
  tell: (sent: number) => void,
  signal: AbortSignal,
): Promise<{ readonly file: FileAnswer }> {
  const token = await http.tokens.current();
  const text = await new Promise<string>((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = (): void => request.abort();
    signal.addEventListener("abort", abort);
    request.open("PUT", http.url + url);
    request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.setRequestHeader("Content-Type", octets["Content-Type"]);
    request.upload.addEventListener("progress", ({ loaded }) => tell(Math.min(loaded, bytes.size)));
    request.addEventListener("loadend", () => {
      signal.removeEventListener("abort", abort);
      if (signal.aborted) return reject(signal.reason);
      const { status, responseText } = request;
      if (status === 0) return reject(networkError("The server was not reached."));
      if (status < 300) return resolve(responseText);
      if (status === 401) http.tokens.drop(token);
      return void problemOf(new Response(responseText, { status })).then(reject);
    });
    request.send(bytes);
  });
  return JSON.parse(text) as { readonly file: FileAnswer };
}

/** What is cut off may have been complete: `standing` tells. */
async function again<T>(act: () => Promise<T>, signal: AbortSignal, standing?: () => Promise<T | null>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      const known = error instanceof ParleyError ? error : null;
      const isLast = attempt === attemptsMax || signal.aborted;
      if (known !== null && (known.code === "conflict" || known.code === "network")) {
        const done = await standing?.().catch(() => null);
        if (done !== null && done !== undefined) return done;
      }
      if (known?.retryable !== true || isLast) throw error;
      await pause(known.retryAfterMs ?? backoffMs(attempt, Math.random()), signal);
    }
  }
}

async function ready(http: Http, upload: string, signal: AbortSignal): Promise<FileAnswer | null> {
  const answer = await http.call<UploadAnswer>("GET", `/v1/uploads/${upload}`, { signal });
  return answer.state === "ready" ? answer.file : null;
}
