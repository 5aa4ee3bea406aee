/** How many credits a room takes at a time: what waits, and what half a second will need at the pace of late. */
import { fixedLimits } from "../protocol/limits.ts";

export interface Demand {
  /** Changes that wait for a credit. */
  readonly waiting: number;
  /** Changes that were tried since the last question, and how long ago that was. */
  readonly tried: number;
  readonly sinceMs: number;
}

const coveredMs = 500;
/** Changes that come together are no pace yet. */
const shortestMs = 200;

export function demand({ waiting, tried, sinceMs }: Demand): number {
  const pace = tried / Math.max(shortestMs, sinceMs);
  return Math.max(fixedLimits.creditsMin, waiting, Math.ceil(pace * coveredMs));
}
