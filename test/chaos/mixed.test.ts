import { resolve } from "node:path";
import { expect, test } from "vitest";
import { mixedScenario } from "./mixed.ts";

/** Of one version: that two may meet is shown where git has the other one (`run.ts --mixed=HEAD~100`). */
const project = resolve(import.meta.dirname, "../..");
const standing = { edge: project, rooms: project, others: project };

test("[O13] the Worker, its rooms and its other objects share nothing but what they tell each other, and come back apart as together", async () => {
  const report = await mixedScenario([standing, standing], { ms: 200, rooms: 1, socketClients: 2, hurry: true });
  expect(report.violations).toEqual([]);
  expect(report).toMatchObject({ lost: 0, duplicated: 0, gaps: 0, outOfOrder: 0, wrongSeq: 0, differing: 0 });
  expect(report).toMatchObject({ untold: 0, toldTwice: 0, toldOutOfOrder: 0, gapsTold: 0, serverErrors: 0 });
  // Otherwise it proved less than it says.
  expect(report.acked).toBeGreaterThan(20);
  expect(report.comebacks).toBeGreaterThan(0);
});
