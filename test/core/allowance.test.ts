import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Allowance, isFull, type Rate, spend } from "../../src/core/allowance.ts";

const rates = fc.record({ perSecond: fc.integer({ min: 1, max: 10_000 }), burst: fc.integer({ min: 1, max: 20_000 }) });
const epoch = 1_790_000_000_000;

describe("a token bucket", () => {
  test("[H5] a full one gives its burst at once and not one more", () => {
    const rate = { perSecond: 10, burst: 20 };
    let allowance: Allowance | undefined;
    for (let count = 0; count < 20; count++) {
      const spent = spend(allowance, rate, epoch);
      if (!spent.ok) throw new Error(`refused at ${count}`);
      allowance = spent.allowance;
    }
    expect(spend(allowance, rate, epoch)).toEqual({ ok: false, retryAfterMs: 100 });
    expect(spend(allowance, rate, epoch + 40)).toEqual({ ok: false, retryAfterMs: 60 });
    expect(spend(allowance, rate, epoch + 100)).toMatchObject({ ok: true });
  });

  test("[H5] after exactly retryAfterMs the next one passes, and a millisecond earlier it does not", () => {
    const steps = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(rates, steps, (rate, pausesMs) => {
        let allowance: Allowance | undefined;
        let nowMs = epoch;
        for (const pauseMs of pausesMs) {
          nowMs += pauseMs;
          const spent = spend(allowance, rate, nowMs);
          if (spent.ok) {
            allowance = spent.allowance;
            continue;
          }
          expect(spent.retryAfterMs).toBeGreaterThanOrEqual(1);
          expect(spend(allowance, rate, nowMs + spent.retryAfterMs)).toMatchObject({ ok: true });
          if (spent.retryAfterMs > 1)
            expect(spend(allowance, rate, nowMs + spent.retryAfterMs - 2)).toMatchObject({ ok: false });
        }
      }),
      { seed: 5, numRuns: 2_000 },
    );
  });

  test("[H5] it never gives more than its burst and what its rate adds", () => {
    const steps = fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(
        fc.record({ perSecond: fc.integer({ min: 1, max: 50 }), burst: fc.integer({ min: 1, max: 20 }) }),
        steps,
        (rate, pausesMs) => {
          let allowance: Allowance | undefined;
          let elapsedMs = 0;
          let given = 0;
          for (const pauseMs of pausesMs) {
            elapsedMs += pauseMs;
            const spent = spend(allowance, rate, epoch + elapsedMs);
            if (!spent.ok) continue;
            given++;
            allowance = spent.allowance;
          }
          expect(given).toBeLessThanOrEqual(rate.burst + (elapsedMs / 1_000) * rate.perSecond + 1e-6);
        },
      ),
      { seed: 6, numRuns: 500 },
    );
  });

  test("[H5] a clock that was set back neither fills nor empties it", () => {
    const rate: Rate = { perSecond: 10, burst: 2 };
    const first = spend(undefined, rate, epoch);
    if (!first.ok) throw new Error("unreachable");
    const second = spend(first.allowance, rate, epoch - 3_600_000);
    expect(second).toEqual({ ok: true, allowance: { left: 0, atMs: epoch - 3_600_000 } });
    expect(spend(first.allowance, rate, epoch - 1)).toMatchObject({ ok: true });
  });

  test("[H5] it is full again when its burst has refilled, and not before", () => {
    const rate = { perSecond: 10, burst: 20 };
    const emptied = { left: 0, atMs: epoch };
    expect(isFull(emptied, rate, epoch + 1_999)).toBe(false);
    expect(isFull(emptied, rate, epoch + 2_000)).toBe(true);
    expect(isFull({ left: 500, atMs: epoch }, rate, epoch)).toBe(true);
    // A rate that the operator lowered counts at once.
    expect(spend({ left: 500, atMs: epoch }, rate, epoch)).toEqual({ ok: true, allowance: { left: 19, atMs: epoch } });
  });
});
