import { expect, test } from "vitest";
import { startServer } from "../support/process.ts";
import { Receiver } from "../support/receiver.ts";
import { makeTenant } from "./tenant.ts";
import { webhookKillScenario } from "./webhooks.ts";

const seed = 20_261_121;

test("[N7] [N2] [N6] kill -9 between commit and delivery loses no event, invents none, and keeps their ids and their order", async () => {
  const server = await startServer({ env: { PRIVATE_ENDPOINTS: "allow" } });
  const receiver = await new Receiver().start();
  try {
    const tenant = await makeTenant(server, "chaos");
    const report = await webhookKillScenario({ server, receiver, tenant, seed, patienceMs: 4_000 });
    expect(report).toMatchObject({ missing: 0, phantoms: 0, violations: [] });
    // Otherwise it proved nothing: something was still to be delivered when the server died.
    expect(report.committed).toBeGreaterThan(200);
    expect(report.arrivedBefore).toBeLessThan(report.committed);
  } finally {
    receiver.stop();
    await server.remove();
  }
});
