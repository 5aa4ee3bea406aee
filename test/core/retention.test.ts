import { expect, test } from "vitest";
import { retentionOf, rowsOfPass } from "../../src/core/retention.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";

const { passRows, passRowsMax, passPauseMs } = fixedLimits;

test("[D1] null is the tenant's word, 0 is for ever, each of the two by itself", () => {
  const tenant = { retentionDays: 30, retentionMessages: null };
  for (const [room, kept] of [
    [
      [null, null],
      [30, null],
    ],
    [
      [0, 5],
      [null, 5],
    ],
    [
      [90, 0],
      [90, null],
    ],
  ] as const) {
    const [retentionDays, retentionMessages] = room;
    expect(retentionOf({ retentionDays, retentionMessages }, tenant)).toEqual({
      retentionDays: kept[0],
      retentionMessages: kept[1],
    });
  }
});

test("[D4] [W7] a pass has its least and its most, and between them twice what comes until the next one", () => {
  expect(rowsOfPass(0, Infinity)).toBe(passRows);
  expect(rowsOfPass(passRows / 2, passPauseMs)).toBe(passRows);
  expect(rowsOfPass(passRows / 2 + 1, passPauseMs)).toBe(passRows + 2);
  expect(rowsOfPass(passRowsMax / 2 + 1, passPauseMs)).toBe(passRowsMax);
  // A clock that was set back, and what was published long ago.
  expect(rowsOfPass(passRows, -5_000)).toBe(2 * passRows);
  expect(rowsOfPass(10 * passRows, 20 * passPauseMs)).toBe(passRows);
});
