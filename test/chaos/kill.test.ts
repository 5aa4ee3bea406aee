import { expect, test } from "vitest";
import { startServer } from "../support/process.ts";
import { killScenario } from "./kill.ts";
import { makeTenant } from "./tenant.ts";

const seed = 20_261_121;

test("[P2] [P3] [P9] [S2] kill -9 under 116 publishers loses no acked message, doubles none, and leaves no batch in part", async () => {
  const server = await startServer();
  try {
    const tenant = await makeTenant(server, "chaos");
    const report = await killScenario({ server, tenant, seed });
    expect(report).toMatchObject({ lost: 0, duplicated: 0, outOfOrder: 0, differing: 0, violations: [] });
    // Otherwise it proved nothing: somebody was acked, and somebody was still waiting.
    expect(report.acked).toBeGreaterThan(100);
    expect(report.resent).toBeGreaterThan(0);
  } finally {
    await server.remove();
  }
});
