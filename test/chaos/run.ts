/** `npm run test:chaos`: kills the server many times. `run.ts [--kills=5] [--seed=1]` */
import { parseArgs } from "node:util";
import { startServer } from "../support/process.ts";
import { type KillReport, killScenario } from "./kill.ts";
import { makeTenant } from "./tenant.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "5" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const kills = whole("--kills", values.kills);
const firstSeed = whole("--seed", values.seed);

const server = await startServer();
const reports: KillReport[] = [];
try {
  const tenant = await makeTenant(server, "chaos");
  for (let kill = 0; kill < kills; kill++) {
    const report = await killScenario({ server, tenant, seed: firstSeed + kill });
    reports.push(report);
    console.log(
      `kill ${kill + 1}  ${figures(report)}  (seed ${report.seed}, after ${(report.afterMs / 1_000).toFixed(2)} s)`,
    );
    for (const violation of report.violations.slice(0, 20)) console.log(`  ${violation}`);
  }
} finally {
  await server.remove();
}

const sum = (of: (report: KillReport) => number): number => reports.reduce((total, report) => total + of(report), 0);
const violations = sum((report) => report.violations.length);
console.log(
  `${kills} kills: acked ${sum(({ acked }) => acked)}, lost ${sum(({ lost }) => lost)}, duplicated ${sum(({ duplicated }) => duplicated)}, violations ${violations}`,
);
process.exitCode = violations === 0 ? 0 : 1;

function figures(report: KillReport): string {
  const { acked, lost, duplicated, outOfOrder, resent, storedBefore, storedOnce, readers, differing } = report;
  return (
    `acked ${acked}, lost ${lost}, duplicated ${duplicated}, out of order ${outOfOrder}, ` +
    `resent ${resent} (stored before: ${storedBefore}), stored once ${storedOnce}, readers ${readers}, differing ${differing}`
  );
}

function whole(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${option} takes a whole number from 1, not "${text}"`);
  return value;
}
