import { describe, expect, test } from "vitest";
import { answerableCode, goneAtMs, isDeaf, offend, type Offences } from "../../src/core/closing.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";

const at = 1_790_000_000_000;
const none: Offences = [];

/** How many of these refused frames, given by their time, pass before one is too many; null if all do. */
function passesUntil(timesMs: readonly number[]): number | null {
  let offences = none;
  for (const [index, timeMs] of timesMs.entries()) {
    const offended = offend(offences, timeMs);
    if (offended.tooMany) return index + 1;
    offences = offended.offences;
  }
  return null;
}

describe("refused frames", () => {
  test("[W6] 49 within 10 seconds pass, the fiftieth is too many", () => {
    expect(passesUntil(Array.from({ length: 49 }, () => at))).toBeNull();
    expect(passesUntil(Array.from({ length: 50 }, () => at))).toBe(50);
    expect(passesUntil(Array.from({ length: 50 }, (_, index) => at + index * 200))).toBe(50);
    expect(fixedLimits).toMatchObject({ refusedFrames: 50, refusedFramesWindowMs: 10_000 });
  });

  test("[W6] the 10 seconds are any 10 seconds: a pause before a burst does not make room for another", () => {
    const times = [0, ...Array.from({ length: 48 }, () => 9_990), 10_010];
    expect(passesUntil(times.map((ms) => at + ms))).toBeNull();
    expect(passesUntil([...times, 10_011].map((ms) => at + ms))).toBe(51);
  });

  test("[W6] a no now and then, for ever, closes nothing", () => {
    expect(passesUntil(Array.from({ length: 1_000 }, (_, index) => at + index * 210))).toBeNull();
    expect(passesUntil(Array.from({ length: 200 }, (_, index) => at + index * 11_000))).toBeNull();
  });
});

describe("the answer to a close", () => {
  test("[O4] what may be sent is sent back, and 1005, 1006 and 1015 are answered with 1000", () => {
    for (const code of [1000, 1001, 3000, 4000, 4401, 4599, 4999]) expect(answerableCode(code)).toBe(code);
    for (const code of [0, 999, 1002, 1003, 1004, 1005, 1006, 1007, 1011, 1012, 1015, 2999, 5000, 65_535, -1])
      expect(answerableCode(code)).toBe(1000);
  });
});

describe("a connection of which nothing is heard", () => {
  test("[L8] [W7] one that pinged is gone 75 s after its last ping, or after a frame that may have come 15 s later than is known", () => {
    expect(goneAtMs({ pingedAtMs: at, seenAtMs: at - 60_000 })).toBe(at + 75_000);
    expect(goneAtMs({ pingedAtMs: at, seenAtMs: at - 15_000 })).toBe(at + 75_000);
    expect(goneAtMs({ pingedAtMs: at, seenAtMs: at - 14_999 })).toBe(at + 75_001);
    expect(goneAtMs({ pingedAtMs: at, seenAtMs: at })).toBe(at + 90_000);
    expect(goneAtMs({ pingedAtMs: at - 3_600_000, seenAtMs: at })).toBe(at + 90_000);
    expect(fixedLimits).toMatchObject({ silentMs: 75_000, seenEveryMs: 15_000 });
    expect(fixedLimits.silentMs).toBe(3 * fixedLimits.pingMs);
  });

  test("[L8] [W7] one that never pinged is gone 10 minutes after its last frame", () => {
    expect(goneAtMs({ pingedAtMs: null, seenAtMs: at })).toBe(at + 600_000);
    expect(fixedLimits.neverPingedMs).toBe(600_000);
  });

  test("[L8] nobody who is known to have been there is gone before 75 s are over, whatever was heard last", () => {
    for (const pingedMs of [null, -500_000, -75_000, -1, 0])
      for (const seenMs of [-500_000, -75_000, -1, 0]) {
        const heardAtMs = at + Math.max(pingedMs ?? seenMs, seenMs);
        const pingedAtMs = pingedMs === null ? null : at + pingedMs;
        expect(goneAtMs({ pingedAtMs, seenAtMs: at + seenMs })).toBeGreaterThanOrEqual(heardAtMs + 75_000);
      }
  });
});

test("[O5] who only listens in a busy room is not taken for one who takes nothing, whatever is on its way at that moment", () => {
  const deaf = (sentUnits: number, bufferedBytes: number): boolean =>
    isDeaf({ atMs: at, sentUnits: 1_000_000, bufferedBytes: 4_200 }, { atMs: at + 5_000, sentUnits, bufferedBytes });
  expect(deaf(1_000_000, 4_200)).toBe(true);
  expect(deaf(1_020_000, 24_600)).toBe(true);
  expect(deaf(1_020_000, 24_199)).toBe(false);
  expect(deaf(1_020_000, 4_200)).toBe(false);
  expect(deaf(1_000_000, 0)).toBe(false);
});
