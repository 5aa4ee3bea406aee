/** A clock that stands still until a test moves it, for rooms and tests alike. Timers run on by themselves. */
import { vi } from "vitest";

const dayMs = 86_400_000;

/**
 * A day ahead of the platform's own clock, so that no alarm rings but when a test says so; and past noon, so that no day ends in a
 * test that does not say so, and in the midst of a second, of which tokens know only the beginning.
 */
export function stopClock(nowMs: number = Math.ceil(Date.now() / dayMs + 1) * dayMs + dayMs / 2 + 500): void {
  vi.useFakeTimers({ now: nowMs, toFake: ["Date"] });
}

export function startClock(): void {
  vi.useRealTimers();
}

export function pass(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

export function goTo(nowMs: number): void {
  vi.setSystemTime(nowMs);
}

/** Waits by turns: what waits by the clock waits for ever while that stands still. */
export async function eventually(condition: () => boolean, what: () => unknown, turns = 800): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    if (turn === turns) throw new Error(`waited in vain: ${JSON.stringify(what()).slice(0, 2_000)}`);
    await new Promise((resolve) => setTimeout(resolve, turn < 100 ? 1 : 10));
  }
}
