import { describe, expect, test } from "vitest";
import { type Busyness, flushDelayMs } from "../../src/core/pace.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";

const at = 1_790_000_000_000;
const busy: Busyness = {
  nowMs: at,
  queued: 1,
  queuedBytes: 10,
  sockets: 1_000,
  flushedAtMs: at,
  durableAtMs: at,
  commitsMs: [0, 0],
};
const delay = (given: Partial<Busyness>): number => flushDelayMs({ ...busy, ...given });

describe("the pace", () => {
  test("[P8] a quiet room flushes at once", () => {
    expect(delay({ flushedAtMs: 0, durableAtMs: 0 })).toBe(0);
    expect(delay({ flushedAtMs: at - 60 })).toBe(0);
    expect(delay({ sockets: 0 })).toBe(0);
  });

  test("[P8] a busy one waits for a span that grows with its sockets, to a quarter of a second", () => {
    const spans = [1, 10, 100, 200, 500, 1_000, 5_000, 30_000].map((sockets) => delay({ sockets }));
    expect(spans).toEqual([0.1, 1, 10, 20, 35, 60, 250, 250]);
    expect(delay({ flushedAtMs: at - 20 })).toBe(40);
    expect(fixedLimits.paceMsMax).toBe(250);
  });

  test("[P8] it listens for as long as its commits take, to a quarter of a second, from when that was durable", () => {
    expect(delay({ sockets: 0, commitsMs: [6, 6] })).toBe(6);
    expect(delay({ sockets: 0, commitsMs: [6, 6], durableAtMs: at - 2 })).toBe(4);
    expect(delay({ sockets: 0, commitsMs: [90_000, 90_000] })).toBe(250);
    expect(delay({ commitsMs: [6, 6], flushedAtMs: at - 58, durableAtMs: at - 1 })).toBe(5);
  });

  test("[P8] one commit that was slow by itself makes it listen no longer", () => {
    expect(delay({ sockets: 0, commitsMs: [90, 6] })).toBe(6);
    expect(delay({ sockets: 0, commitsMs: [6, 90] })).toBe(6);
  });

  test("[P8] it does not flush while the last flush is not durable, unless its queue is full", () => {
    expect(delay({ durableAtMs: null })).toBe(Infinity);
    expect(delay({ durableAtMs: null, queued: fixedLimits.flushChanges })).toBe(0);
  });

  test("[P8] a full queue flushes at once, by its changes or by its bytes", () => {
    expect(delay({ queued: fixedLimits.flushChanges - 1, queuedBytes: fixedLimits.flushBytes - 1 })).toBe(60);
    expect(delay({ queued: fixedLimits.flushChanges })).toBe(0);
    expect(delay({ queuedBytes: fixedLimits.flushBytes })).toBe(0);
  });

  test("[P8] a clock that was set back does not hold a flush up", () => {
    for (const later of [1, 3_600_000]) {
      expect(delay({ flushedAtMs: at + later })).toBe(0);
      expect(delay({ flushedAtMs: at + later, durableAtMs: at + later, commitsMs: [100, 100] })).toBe(0);
    }
  });
});
