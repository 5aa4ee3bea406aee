/** What a run of tests prints, passed on line by line without what a test asked workerd to say. */
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** workerd writes down every object that is reset. Those that a test resets say so by this text (support/failing.ts). */
const asked = /uncaught exception; .*as a test asked/;
const continued = /^(stack: |\s+at )/;

export async function passOn(from: Readable, to: Writable): Promise<void> {
  let dropping = false;
  for await (const line of createInterface(from)) {
    const begins = asked.exec(line);
    dropping = begins !== null || (dropping && continued.test(line));
    // The reporter's dots may stand before it.
    if (begins !== null) to.write(line.slice(0, begins.index));
    else if (!dropping) to.write(`${line}\n`);
  }
}
