/** A body that flows into the bucket and must have just so many bytes. It is never held: a chunk is in memory at a time. */
import type { Context } from "hono";
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";

type Body = ReadableStream<Uint8Array> | null;

export interface Expected {
  readonly size: number;
  /** What the bytes must have; null where nothing was said of it. */
  readonly sha256: string | null;
}

export interface Spoiled {
  readonly ok: false;
  readonly refused: Refusal;
  /** That have come. */
  readonly bytes: number;
}

/** By what the request says of itself, before a byte is read. Null where it says nothing, or what is expected. */
export function unfitLength(c: Context, size: number): Refusal | null {
  const said = c.req.header("content-length");
  if (said === undefined || Number(said) === size) return null;
  return Number(said) > size ? tooMany(size) : tooFew(size);
}

/**
 * Gives the bytes to `store` as they come, and the last of them only when the body has ended and is what was announced: so the
 * bucket, which keeps what has come whole, keeps nothing that has a byte too many or too few, another digest, or was cut off.
 * Throws what `store` throws.
 */
export async function inflow<Stored>(
  body: Body,
  expected: Expected,
  store: (content: ReadableStream<Uint8Array>) => Promise<Stored>,
): Promise<{ readonly ok: true; readonly stored: Stored } | Spoiled> {
  const { readable, writable } = new FixedLengthStream(expected.size);
  const [fed, stored] = await Promise.allSettled([feed(body, expected, writable.getWriter()), store(readable)]);
  if (fed.status === "fulfilled" && fed.value !== null) return fed.value;
  if (stored.status === "rejected") throw stored.reason;
  // The bucket has it already, and takes no more.
  return { ok: true, stored: stored.value };
}

/** Null when all went well. Throws what the writer throws. */
async function feed(
  body: Body,
  expected: Expected,
  writer: WritableStreamDefaultWriter<Uint8Array>,
): Promise<Spoiled | null> {
  const reader = body?.getReader({ mode: "byob" });
  const timer = setTimeout(() => void reader?.cancel().catch(() => undefined), fixedLimits.uploadRequestMs);
  try {
    const spoiled = await pump(reader, expected, writer);
    if (spoiled === null) await writer.close();
    else await Promise.allSettled([reader?.cancel(), writer.abort(new Error(spoiled.refused.detail))]);
    return spoiled;
  } finally {
    clearTimeout(timer);
  }
}

async function pump(
  reader: ReadableStreamBYOBReader | undefined,
  { size, sha256 }: Expected,
  writer: WritableStreamDefaultWriter<Uint8Array>,
): Promise<Spoiled | null> {
  const digest = sha256 === null ? null : new crypto.DigestStream("SHA-256");
  const digester = digest?.getWriter();
  let left = size;
  const spoiled = (refused: Refusal): Spoiled => ({ ok: false, refused, bytes: size - left });
  let last = new Uint8Array();
  // Two that take turns: what is in one has been written when it is its turn again.
  let free = new Uint8Array(fixedLimits.uploadChunkBytes);
  for (;;) {
    const read = await reader?.read(free).catch(() => "cut off" as const);
    if (read === "cut off") return spoiled(refuse("bad_request", "The body was cut off."));
    if (read === undefined || read.done) break;
    const { value: chunk } = read;
    left -= chunk.byteLength;
    if (left < 0) return spoiled(tooMany(size));
    if (last.byteLength > 0) await writer.write(last);
    await digester?.write(chunk);
    free = last.byteLength > 0 ? new Uint8Array(last.buffer) : new Uint8Array(fixedLimits.uploadChunkBytes);
    last = chunk;
  }
  if (left > 0) return spoiled(tooFew(size));
  await digester?.close();
  if (digest !== null && hexOf(await digest.digest) !== sha256) return spoiled(otherDigest());
  await writer.write(last);
  return null;
}

function tooMany(size: number): Refusal {
  return refuse("too_large", `The body must have the ${size} bytes that were announced: it has more.`);
}

function tooFew(size: number): Refusal {
  return refuse("bad_request", `The body must have the ${size} bytes that were announced: it has fewer.`);
}

export function otherDigest(): Refusal {
  return refuse("content_rejected", "The bytes have another SHA-256 than was announced.");
}

export function hexOf(digest: ArrayBuffer): string {
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
