/** What a run of tests prints, passed on line by line: without what a test asked workerd to say, and never with a secret. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { unspeakable } from "./support/unspeakable.ts";

/** workerd writes down every object that is reset. Those that a test resets say so by this text (support/failing.ts); after each file all are (support/pool.ts). */
const asked =
  /(uncaught )?exception(;| =) .*(as a test asked|called deleteAllDurableObjects\(\)|other end of WebSocketPipe was destroyed|stack = $)/;
/** And of each body that was cut off on its way in or out that it was, as Miniflare's bucket does. */
const cutOff =
  /(uncaught )?exception(;| =) .*(Network connection lost\.|Can't read from request stream because client disconnected\.|fixed-length pipe ended prematurely|pump canceled)/;
const continued = /^(stack: |\s+at )/;

/** A token, an API key, or what a test said in place of a message. */
const secret = new RegExp(
  `eyJ[\\w-]{8,}\\.[\\w-]{8,}|parley_[a-z0-9-]+_[0-9]+k[a-z2-7]{12}_[\\w-]{20,}|${unspeakable}`,
);

/** Where a secret stood, for a person to look; never the secret itself. */
export type Leak = string;

/** What Miniflare prints when workerd's process has ended, which no test can make happen. */
const crash = "The Workers runtime crashed unexpectedly";

/** `crashed`: a process of workerd ended while its tests ran. */
export async function passOn(
  from: Readable,
  to: Writable,
  name: string,
): Promise<{ readonly leaks: Leak[]; readonly crashed: boolean }> {
  const leaks: Leak[] = [];
  let crashed = false;
  let dropping = false;
  let number = 0;
  for await (const line of createInterface(from)) {
    number++;
    const begins = asked.exec(line) ?? cutOff.exec(line);
    dropping = begins !== null || (dropping && continued.test(line));
    crashed ||= line.includes(crash);
    const isLeak = secret.test(line);
    if (isLeak) leaks.push(`${name}, line ${number}`);
    // The reporter's dots may stand before it.
    if (begins !== null) to.write(line.slice(0, begins.index));
    else if (!dropping) to.write(isLeak ? "(this line holds a secret and is withheld)\n" : `${line}\n`);
  }
  return { leaks, crashed };
}

/** In what servers printed after they had introduced themselves (support/process.ts). */
export function leaksIn(folder: string): Leak[] {
  return readdirSync(folder).flatMap((file) =>
    readFileSync(join(folder, file), "utf8")
      .split("\n")
      .flatMap((line, index) => (secret.test(line) ? [`the log of server ${file}, line ${index + 1}`] : [])),
  );
}
