/** What the end of a connection says, by the protocol's own table. */
import { refusals } from "../../src/protocol/refusals.ts";

/** Those that are the browser's or the network's. */
const platform: Readonly<Record<number, string>> = {
  1000: "Closed as wished.",
  1001: "The other side went away.",
  1005: "Closed without a code.",
  1006: "The connection was lost, or never came to be: no Close frame has arrived.",
  1009: "A frame was larger than the other side takes.",
  1011: "Something went wrong on the server's side.",
  1012: "The server restarts.",
};

export interface CloseMeaning {
  /** Names of refusals, where the code is one of ours. */
  readonly names: readonly string[];
  readonly text: string;
  /** What a client does now. */
  readonly instruction: string;
}

export function closeMeaning(code: number): CloseMeaning {
  const rows = Object.entries(refusals).filter(([, { close }]) => close === code);
  const known = platform[code];
  return {
    names: rows.map(([name]) => name),
    text:
      rows.length > 0 ? rows.map(([, { text }]) => text).join(" Or: ") : (known ?? "This code has no meaning here."),
    instruction: instructionOf(code),
  };
}

function instructionOf(code: number): string {
  if (code >= 4500 && code <= 4599) return "Do not come back: it would be the same again (4500 to 4599).";
  if (code >= 4400 && code <= 4499) return "Come back, and resume with the last cursor (4400 to 4499).";
  return code === 1000 ? "Nothing is to be done." : "Come back, and resume with the last cursor.";
}
