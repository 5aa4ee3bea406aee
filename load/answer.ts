/** An answer as a model gives it: token after token, in a steady pace. */
import { setTimeout as delay } from "node:timers/promises";

const tokenUnits = 3;

/** Of so many tokens, each of three characters and unlike those around it. */
export function answerOf(tokens: number): string {
  return Array.from({ length: tokens }, (_, index) => ` ${(index % 1_296).toString(36).padStart(2, "0")}`).join("");
}

export interface Pace {
  readonly text: string;
  /** Tokens. */
  readonly from: number;
  readonly to: number;
  readonly perSecond: number;
}

/** Calls with the text so far whenever there is more of it. What comes late comes together. */
export async function inPace(
  { text, from, to, perSecond }: Pace,
  say: (soFar: string) => Promise<unknown>,
): Promise<void> {
  const sinceMs = performance.now();
  let said = from;
  while (said < to) {
    const due = Math.min(to, from + 1 + Math.floor(((performance.now() - sinceMs) / 1_000) * perSecond));
    if (due > said) await say(text.slice(0, due * tokenUnits));
    else await delay(1_000 / perSecond / 2);
    said = Math.max(said, due);
  }
}
