import { expect, test } from "vitest";
import { chance } from "../support/chance.ts";
import { buggifyScenario } from "./buggify.ts";

const seed = Number(process.env["PARLEY_SEED"] ?? chance);

test(`[O10] rooms that lose their memory in the midst of what they do lose nothing that was acked, and tell nothing twice (seed ${seed})`, async () => {
  const report = await buggifyScenario({ seed, ms: 4_000, hurry: true });
  expect(report.violations).toEqual([]);
  expect(report).toMatchObject({ lost: 0, duplicated: 0, gaps: 0, outOfOrder: 0, wrongSeq: 0, differing: 0 });
  expect(report).toMatchObject({ untold: 0, toldTwice: 0, toldOutOfOrder: 0, acked: report.sent });
  // Otherwise it proved less than it says.
  expect(Object.values(report.resets).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
  expect(report.acked).toBeGreaterThan(50);
});
