/** What the farewell of one room means for the connection that holds it among others. */
import { farewellToCredential } from "../../protocol/farewell.ts";
import type { RefusalCode } from "../../protocol/refusals.ts";
import { ClosingFrame } from "../../protocol/serverFrames.ts";
import { typeOf } from "./line.ts";

export interface Ending {
  /** What the room said before it. */
  readonly before: readonly string[];
  readonly error: RefusalCode;
  readonly reason: string;
}

/** Null unless the room closes for what is wrong with the credential itself: then nothing that it has opened goes on. */
export function endingIn(lines: readonly string[]): Ending | null {
  const index = lines.findIndex((line) => typeOf(line) === "closing");
  const line = lines[index];
  if (line === undefined) return null;
  const closing = ClosingFrame.parse(JSON.parse(line));
  const error = farewellToCredential(closing);
  return error === null ? null : { before: lines.slice(0, index), error, reason: closing.reason };
}
