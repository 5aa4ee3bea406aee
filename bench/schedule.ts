/** Things that are due one after the other at a steady rate. */
import { setTimeout as delay } from "node:timers/promises";
import { nowUs } from "./clock.ts";

/**
 * The n-th is done when it is due, n / perSecond after the start, however late the ones before were: a slow server does not slow
 * the load. Resolves when the one after the last would be due.
 */
export async function steadily(
  plan: { startUs: number; from: number; to: number; perSecond: number },
  act: (number: number) => void,
): Promise<void> {
  const dueUs = (number: number) => plan.startUs + (number * 1_000_000) / plan.perSecond;
  let next = plan.from;
  while (next < plan.to || nowUs() < dueUs(plan.to)) {
    while (next < plan.to && dueUs(next) <= nowUs()) act(next++);
    await delay(Math.max(1, Math.floor((dueUs(next) - nowUs()) / 1000)));
  }
}

/** Each of `count` in turn, all of them once in `everyMs`, until the returned function is called. */
export function inTurn(count: number, everyMs: number, act: (index: number) => void): () => void {
  const startUs = nowUs();
  let done = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((nowUs() - startUs) / 1000 / everyMs) * count);
    for (; done < due; done += 1) act(done % count);
  }, 50);
  return () => clearInterval(timer);
}
