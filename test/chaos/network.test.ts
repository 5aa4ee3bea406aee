import { expect, test } from "vitest";
import { chance } from "../support/chance.ts";
import { startServer } from "../support/process.ts";
import { networkScenario } from "./network.ts";
import { makeTenant } from "./tenant.ts";

const seed = Number(process.env["PARLEY_SEED"] ?? chance);

test(`[O9] a network that cuts, resets, stalls, halves, slows and refuses connections: everybody is back, nothing lost, nothing told twice (seed ${seed})`, async () => {
  const server = await startServer();
  try {
    const tenant = await makeTenant(server, "network");
    const report = await networkScenario({ server, tenant, seed, ms: 8_000, hurry: true });
    expect(report.violations).toEqual([]);
    expect(report).toMatchObject({ lost: 0, duplicated: 0, gaps: 0, outOfOrder: 0, wrongSeq: 0, differing: 0 });
    expect(report).toMatchObject({ untold: 0, toldTwice: 0, toldOutOfOrder: 0, acked: report.sent });
    // Otherwise it proved less than it says.
    expect(report.acked).toBeGreaterThan(50);
    expect(report.comebacks).toBeGreaterThan(0);
  } finally {
    await server.remove();
  }
});
