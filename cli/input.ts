/** What comes in by stdin. */
import { UsageError } from "./failure.ts";

/** More than any message may have; the server says how much exactly. */
const textMax = 1_048_576;

/** All of it, without the line end that every program adds. */
export async function textOfStdin(): Promise<string> {
  expectPipe();
  let text = "";
  for await (const piece of process.stdin.setEncoding("utf8")) {
    text += String(piece);
    if (text.length > textMax)
      throw new UsageError("this is too much for one message: --lines sends one for each line");
  }
  return text.replace(/\r?\n$/, "");
}

export function expectPipe(): void {
  if (process.stdin.isTTY) process.stderr.write("Reading from the keyboard; Ctrl-D ends it.\n");
}
