import { expect, test } from "vitest";
import { nextAttemptMs, pausesMs } from "../../src/core/retries.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";

const nowMs = 1_000_000;
const after = (made: number, retryAfterMs: number | null = null, chance = 0): number | null => {
  const nextMs = nextAttemptMs({ made, retryAfterMs, nowMs, chance });
  return nextMs === null ? null : nextMs - nowMs;
};
const minute = 60_000;
const hour = 60 * minute;

test("[N19] a delivery is attempted ten times, at once and after pauses that grow, over three days", () => {
  const pauses = Array.from({ length: 10 }, (_, made) => after(made + 1));
  expect(pauses).toEqual([
    5_000,
    5 * minute,
    30 * minute,
    2 * hour,
    5 * hour,
    10 * hour,
    14 * hour,
    20 * hour,
    24 * hour,
    null,
  ]);
  const days = pausesMs.reduce((sum, pauseMs) => sum + pauseMs, 0) / (24 * hour);
  expect(days).toBeGreaterThan(3);
  expect(days * 1.1).toBeLessThan(fixedLimits.webhookFailingMs / (24 * hour));
});

test("[N19] deliveries that failed together do not all come again together: each up to a tenth later, none sooner", () => {
  for (const [index, pauseMs] of pausesMs.entries()) {
    expect(after(index + 1, null, 0.5)).toBe(Math.round(pauseMs * 1.05));
    expect(after(index + 1, null, 1)).toBe(Math.round(pauseMs * 1.1));
  }
});

test("[N19] [W7] a receiver may ask for a longer pause, to a day, and for no shorter one", () => {
  expect(after(1, 60_000)).toBe(60_000);
  expect(after(2, 60_000)).toBe(5 * minute);
  expect(after(1, fixedLimits.webhookRetryAfterMs)).toBe(24 * hour);
  expect(after(1, fixedLimits.webhookRetryAfterMs + 1)).toBe(24 * hour);
  expect(after(10, 60_000)).toBeNull();
});
