/**
 * Bytes of a file that came in parts, as they went in: part by part. Asked for the whole of such a file, the bucket on one machine
 * reads ahead without an end and holds what its reader has not taken yet; of one part it holds that part.
 */
import { waitUntil } from "cloudflare:workers";
import { fixedLimits } from "../protocol/limits.ts";
import type { Range } from "./range.ts";

/** Of so many calls that one request may make, those that reading may take. */
const slicesMax = 500;

/** Null where the bytes have gone. One that goes meanwhile breaks the stream, which then has fewer bytes than it said. */
export async function slicesOf(bucket: R2Bucket, key: string, whole: Range): Promise<ReadableStream | null> {
  const [first, ...rest] = slices(whole);
  if (first === undefined) return null;
  const begun = await bucket.get(key, { range: first });
  if (begun === null || rest.length === 0) return begun?.body ?? null;
  const { readable, writable } = new FixedLengthStream(whole.length);
  waitUntil(passOn(bucket, key, { begun: begun.body, rest, writable }).catch(() => undefined));
  return readable;
}

interface Passing {
  readonly begun: ReadableStream;
  readonly rest: readonly Range[];
  readonly writable: WritableStream;
}

/** Ends with the reader: what is passed to nobody is not asked for. */
async function passOn(bucket: R2Bucket, key: string, { begun, rest, writable }: Passing): Promise<void> {
  await begun.pipeTo(writable, { preventClose: true });
  for (const range of rest) {
    const next = await bucket.get(key, { range });
    if (next === null) return writable.abort(new Error("the file has gone"));
    await next.body.pipeTo(writable, { preventClose: true });
  }
  await writable.close();
}

/** Each within one part, or of a very long file within a few. */
function slices({ offset, length }: Range): Range[] {
  const { uploadPartBytes } = fixedLimits;
  const step = uploadPartBytes * Math.ceil(length / uploadPartBytes / slicesMax);
  const end = offset + length;
  const cuts: Range[] = [];
  for (let at = offset; at < end;) {
    const next = Math.min(end, (Math.floor(at / step) + 1) * step);
    cuts.push({ offset: at, length: next - at });
    at = next;
  }
  return cuts;
}
