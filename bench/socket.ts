/** A WebSocket of the generator, and what all openers of connections need. */
import { setTimeout as delay } from "node:timers/promises";
import { type RawData, WebSocket } from "ws";

export function newSocket(url: string, protocols: string[]): WebSocket {
  // Every server sends valid UTF-8; checking it would only slow the generator.
  return new WebSocket(url, protocols, { perMessageDeflate: false, skipUTF8Validation: true });
}

export function bytes(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}

/** Does it for each of `count`, so many at once. */
export async function inGroups(count: number, atOnce: number, work: (index: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < count; from += atOnce)
    await Promise.all(Array.from({ length: Math.min(atOnce, count - from) }, (_, at) => work(from + at)));
}

export async function withinLimit<T>(work: Promise<T>, limitMs: number, otherwise: string): Promise<T> {
  const limit = new AbortController();
  const late = delay(limitMs, undefined, { signal: limit.signal }).then(() => Promise.reject(new Error(otherwise)));
  try {
    return await Promise.race([work, late]);
  } finally {
    limit.abort();
    late.catch(() => {}); // The abort itself rejects it.
  }
}
