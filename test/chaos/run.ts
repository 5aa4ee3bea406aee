/**
 * `npm run test:chaos`: breaks a server in every way that is known here, and judges what is left. Each part by its size, 0 for none:
 * `run.ts [--kills=5] [--webhook-kills=10] [--network-seconds=30] [--buggify-seconds=20] [--disks=0] [--seed=1]`
 * `[--upgrade-from=HEAD~100 --sockets=500]`: that commit's version, and then today's on its data. `[--mixed=HEAD~100]`: both at once.
 * Every other kill among webhooks is of a server that takes a while to hand events on, so that many wait in the rooms when it dies.
 */
import { rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { startServer } from "../support/process.ts";
import { Receiver } from "../support/receiver.ts";
import { variantOf } from "../support/variant.ts";
import { buggifyScenario } from "./buggify.ts";
import { diskScenario } from "./disk.ts";
import { Earlier, today } from "./earlier.ts";
import { type KillReport, killScenario } from "./kill.ts";
import { mixedScenario, waysFrom } from "./mixed.ts";
import { networkScenario } from "./network.ts";
import { makeTenant } from "./tenant.ts";
import type { SwarmReport } from "./swarm.ts";
import { deployScenario, upgradeScenario } from "./upgrade.ts";
import { type WebhookKillReport, webhookKillScenario } from "./webhooks.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "5" },
    "webhook-kills": { type: "string", default: "10" },
    "network-seconds": { type: "string", default: "30" },
    "buggify-seconds": { type: "string", default: "20" },
    disks: { type: "string", default: "0" },
    "upgrade-from": { type: "string" },
    sockets: { type: "string", default: "500" },
    mixed: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const kills = whole("--kills", values.kills);
const webhookKills = whole("--webhook-kills", values["webhook-kills"]);
const networkSeconds = whole("--network-seconds", values["network-seconds"]);
const buggifySeconds = whole("--buggify-seconds", values["buggify-seconds"]);
const disks = whole("--disks", values.disks);
const sockets = whole("--sockets", values.sockets);
const firstSeed = whole("--seed", values.seed);
/** Longer than what was on its way to a receiver waits for another attempt. */
const patienceMs = 60_000;
const mixedSize = { ms: 5_000, rooms: 2, socketClients: 4 };
let violations = 0;

if (kills > 0) await killMessages();
if (webhookKills > 0) await killWebhooks();
if (networkSeconds > 0) await troubleNetwork();
if (buggifySeconds > 0) await buggify();
for (let disk = 0; disk < disks; disk++) await fillDisk();
if (values["upgrade-from"] !== undefined) await upgrade(values["upgrade-from"]);
if (values.mixed !== undefined) await mix(values.mixed);
process.exitCode = violations === 0 ? 0 : 1;

async function killMessages(): Promise<void> {
  const server = await startServer();
  const reports: KillReport[] = [];
  try {
    const tenant = await makeTenant(server, "chaos");
    for (let kill = 0; kill < kills; kill++) {
      const report = await killScenario({ server, tenant, seed: firstSeed + kill });
      reports.push(report);
      tell(`kill ${kill + 1}  ${figures(report)}`, report);
    }
  } finally {
    await server.remove();
  }
  const sum = sumOf(reports);
  console.log(
    `${kills} kills: acked ${sum("acked")}, lost ${sum("lost")}, duplicated ${sum("duplicated")}, violations ${violations}`,
  );
}

async function killWebhooks(): Promise<void> {
  const pause = "await new Promise((resolve) => setTimeout(resolve, 100));";
  const project = variantOf("await this.#options.sync();", `await this.#options.sync(); ${pause}`);
  const env = { PRIVATE_ENDPOINTS: "allow" };
  const servers = [await startServer({ env }), await startServer({ env, project })];
  const receiver = await new Receiver().start();
  const reports: WebhookKillReport[] = [];
  try {
    const places = await Promise.all(
      servers.map(async (server) => ({ server, tenant: await makeTenant(server, "chaos") })),
    );
    for (let kill = 0; kill < webhookKills; kill++) {
      const place = places[kill % places.length];
      if (place === undefined) throw new Error("unreachable");
      const report = await webhookKillScenario({ ...place, receiver, seed: firstSeed + kill, patienceMs });
      reports.push(report);
      tell(`webhooks, kill ${kill + 1}  ${webhookFigures(report)}`, report);
    }
  } finally {
    receiver.stop();
    for (const server of servers) await server.remove();
    rmSync(project, { recursive: true, force: true });
  }
  const sum = sumOf(reports);
  console.log(
    `${webhookKills} kills among webhooks: committed ${sum("committed")}, in rooms ${sum("inRooms")}, missing ${sum("missing")}, phantoms ${sum("phantoms")}, repeated ${sum("repeated")}, violations ${violations}`,
  );
}

async function troubleNetwork(): Promise<void> {
  const server = await startServer();
  try {
    const tenant = await makeTenant(server, "chaos");
    const report = await networkScenario({ server, tenant, seed: firstSeed, ms: networkSeconds * 1_000 });
    tellSwarm("network", report, `hits ${JSON.stringify(report.hits)}`);
  } finally {
    await server.remove();
  }
}

async function buggify(): Promise<void> {
  const report = await buggifyScenario({ seed: firstSeed, ms: buggifySeconds * 1_000 });
  tellSwarm("buggify", report, `resets ${JSON.stringify(report.resets)}`);
}

async function fillDisk(): Promise<void> {
  const { violations: found, acked, lost, duplicated, refused, codes, backAfterMs } = await diskScenario();
  violations += found.length;
  console.log(
    `full disk: acked ${acked}, lost ${lost}, duplicated ${duplicated}, refused ${refused} ${JSON.stringify(codes)}, back after ${backAfterMs} ms, violations ${found.length}`,
  );
  for (const violation of found.slice(0, 20)) console.log(`  ${violation}`);
}

async function upgrade(commit: string): Promise<void> {
  const earlier = new Earlier(commit);
  try {
    const { violations: found, acked, lost, duplicated, gaps, resent } = await upgradeScenario(earlier);
    violations += found.length;
    console.log(
      `upgrade from ${commit}: acked ${acked}, lost ${lost}, duplicated ${duplicated}, gaps ${gaps}, resent ${resent}, violations ${found.length}`,
    );
    for (const violation of found.slice(0, 20)) console.log(`  ${violation}`);
    if (sockets > 0) tellSwarm(`deployed over ${commit}`, await deployScenario(earlier, sockets));
  } finally {
    earlier.remove();
  }
}

async function mix(commit: string): Promise<void> {
  const earlier = new Earlier(commit);
  try {
    for (const way of waysFrom(earlier.project, today()))
      tellSwarm(`${commit} and today's in ${way.length} steps`, await mixedScenario(way, mixedSize));
  } finally {
    earlier.remove();
  }
}

function tellSwarm(what: string, report: SwarmReport, done?: string): void {
  const { violations: found, ...rest } = report;
  violations += found.length;
  const said = Object.entries(rest).flatMap(([name, value]) => (typeof value === "number" ? [`${name} ${value}`] : []));
  console.log(`${what}: ${[...said, ...(done === undefined ? [] : [done])].join(", ")}, violations ${found.length}`);
  for (const violation of found.slice(0, 20)) console.log(`  ${violation}`);
}

interface Reported {
  readonly seed: number;
  readonly afterMs: number;
  readonly violations: readonly string[];
}

function tell(said: string, { seed, afterMs, violations: found }: Reported): void {
  violations += found.length;
  console.log(`${said}  (seed ${seed}, after ${(afterMs / 1_000).toFixed(2)} s)`);
  for (const violation of found.slice(0, 20)) console.log(`  ${violation}`);
}

function figures(report: KillReport): string {
  const { acked, lost, duplicated, gaps, wrongSeq, outOfOrder, resent, storedBefore, storedOnce, readers, differing } =
    report;
  return (
    `acked ${acked}, lost ${lost}, duplicated ${duplicated}, gaps ${gaps}, out of order ${outOfOrder}, wrong seq ${wrongSeq}, ` +
    `resent ${resent} (stored before: ${storedBefore}), stored once ${storedOnce}, readers ${readers}, differing ${differing}`
  );
}

function webhookFigures(report: WebhookKillReport): string {
  const { committed, inRooms, arrivedBefore, missing, phantoms, repeated, settledMs } = report;
  return (
    `committed ${committed}, waiting in rooms ${inRooms}, arrived before ${arrivedBefore}, missing ${missing}, ` +
    `phantoms ${phantoms}, repeated ${repeated}, settled in ${(settledMs / 1_000).toFixed(1)} s`
  );
}

function sumOf<Report extends object>(reports: readonly Report[]): (name: keyof Report) => number {
  return (name) => reports.reduce((total, report) => total + Number(report[name]), 0);
}

function whole(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`${option} takes a whole number from 0, not "${text}"`);
  return value;
}
