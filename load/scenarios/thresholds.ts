/** What every scenario holds itself to. Times are generous: they are for two processors that others use too. */
import type { Thresholds } from "./ground.ts";

export const held = {
  checks: ["rate==1"],
  /** No answer of 500 and above, and none that did not come. */
  http_req_failed: ["rate==0"],
  parley_missing: ["count==0"],
  parley_twice: ["count==0"],
} as const;

/** Of those with clients on sockets. */
export const heldLive = {
  ...held,
  parley_heard: ["count>0"],
  parley_refused: ["count==0"],
  parley_cut: ["count==0"],
  parley_ack_ms: ["p(95)<1000", "p(99)<3000"],
  parley_heard_ms: ["p(95)<1000", "p(99)<3000"],
} as const;

/** But for those of times: where who else uses the machine is not known. */
export function untimed(thresholds: Thresholds): Thresholds {
  return Object.fromEntries(Object.entries(thresholds).filter(([figure]) => !/_ms$|_duration$/.test(figure)));
}
