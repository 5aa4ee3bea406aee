/** Whether an export is whole: its last line says how many lines there were, and a hash of all between the first and itself. */
import { createHash } from "node:crypto";
import { ExportEnd } from "../src/protocol/export.ts";

const lineEnd = 0x0a;
/** Four bytes for each unit that a line may have. */
const lineBytesMax = 4 * 1_048_576;

export class Seal {
  bytes = 0;
  lines = 0;
  readonly #hash = createHash("sha256");
  /** The newest whole line: the last one is in no hash, and which is that is known at the end. */
  #last: Buffer | null = null;
  /** What has come of the next one. */
  #rest: Buffer[] = [];
  #restBytes = 0;

  take(chunk: Uint8Array): void {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.bytes += buffer.length;
    let from = 0;
    for (let at = buffer.indexOf(lineEnd); at !== -1; at = buffer.indexOf(lineEnd, from)) {
      this.#add(buffer.subarray(from, at + 1));
      from = at + 1;
    }
    if (from === buffer.length) return;
    this.#rest.push(Buffer.from(buffer.subarray(from)));
    this.#restBytes += buffer.length - from;
    // Whatever it is, no line of an export is so long: it is not kept.
    if (this.#restBytes > lineBytesMax) this.#rest = [Buffer.alloc(0)];
  }

  /** The last line, if it is one and says what has come; else null: the export was cut off, or is not what it was. */
  end(): ExportEnd | null {
    const end = ExportEnd.safeParse(valueOf(this.#last));
    const counted = Object.values(end.data?.counts ?? {}).reduce((sum, count) => sum + count, 0);
    const isWhole = end.data?.hash === this.#hash.digest("hex") && this.#rest.length === 0;
    return end.success && isWhole && (end.data.kind === "tenant" || counted === this.lines - 2) ? end.data : null;
  }

  #add(piece: Buffer): void {
    const line = this.#rest.length === 0 ? Buffer.from(piece) : Buffer.concat([...this.#rest, piece]);
    this.#rest = [];
    this.#restBytes = 0;
    // The first line is not in it.
    if (this.#last !== null && this.lines > 1) this.#hash.update(this.#last);
    this.#last = line;
    this.lines++;
  }
}

function valueOf(line: Buffer | null): unknown {
  try {
    return JSON.parse(line?.toString() ?? "");
  } catch {
    return null;
  }
}
