/** Whether the seqs of `changes` follow each other at each place, as a reader of the protocol checks it. */

const FROM = Buffer.from('"from":');
const TO = Buffer.from(',"to":');
const LINE_END = 0x0a;
const COLON = 0x3a;
const BRACE = 0x7b;
const BRACKET = 0x5b;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

export class Sequence {
  /** Frames and events that held changes. */
  frames = 0;
  /** Where each place stands. */
  readonly #seqs: Uint32Array;
  readonly #broken = new Set<number>();

  /** Of rooms that all stand at this head. */
  constructor(places: number, head: number) {
    this.#seqs = new Uint32Array(places).fill(head);
  }

  /** A frame, a batch of frames, or one event. No text, name or nonce here looks like a field of `changes`. */
  take(frame: Buffer, place: number): void {
    if (frame.includes(FROM)) this.frames += 1;
    const isEvent = frame[0] !== BRACE && frame[0] !== BRACKET;
    for (let at = frame.indexOf(FROM); at !== -1; at = frame.indexOf(FROM, at + 1)) {
      const from = digitsAt(frame, at + FROM.length);
      const toAt = frame.indexOf(TO, at);
      const to = digitsAt(frame, toAt + TO.length);
      if (from !== this.#seqs[place] || to < from || (isEvent && idSeq(frame) !== to)) this.#broken.add(place);
      this.#seqs[place] = to;
    }
  }

  /** Places where something was out of order, or that do not stand at the head in the end. */
  brokenAt(head: number): number {
    this.#seqs.forEach((seq, place) => {
      if (seq !== head) this.#broken.add(place);
    });
    return this.#broken.size;
  }
}

/** The seq of an event's cursor, from its first line `id: <epoch>:<seq>`; 0 where that line is another. */
function idSeq(event: Buffer): number {
  const line = event.subarray(0, event.indexOf(LINE_END));
  return digitsAt(line, line.lastIndexOf(COLON) + 1);
}

function digitsAt(frame: Buffer, from: number): number {
  let value = 0;
  for (let at = from; ; at += 1) {
    const digit = frame[at] ?? 0;
    if (digit < DIGIT_0 || digit > DIGIT_9) return value;
    value = value * 10 + (digit - DIGIT_0);
  }
}
