/** `npm run bench`: Parley beside its peers, in one run on one machine, as a table with ratios (PERFORMANCE.md). */
import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Arguments, readArguments } from "./arguments.ts";
import { killGroups } from "./groups.ts";
import { machine } from "./machine.ts";
import { measureBurst, measureFanOut } from "./measure.ts";
import type { Peer, Running } from "./peers.ts";
import { plotsOf } from "./plots.ts";
import { Results } from "./results.ts";
import { measureSizes } from "./sizes.ts";
import { summary } from "./summary.ts";
import { measureCase } from "./trialRun.ts";
import { casesOf } from "./trials.ts";

/** A server that has just lost its sockets has work to do; it must not do it in the next one's time. */
const BETWEEN_MEASUREMENTS_MS = 1_000;

const scratch = mkdtempSync(join(tmpdir(), "parley-bench-"));
process.once("exit", () => {
  killGroups();
  rmSync(scratch, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));

/** Of what docs/performance.md quotes. */
const kept = join(import.meta.dirname, "..", "docs", "performance");

const asked = readArguments(process.argv.slice(2));
const results = new Results();
const running = await startAll(asked.loads.length > 0 || asked.burst ? asked.peers : []);
try {
  for (let repeat = 1; repeat <= asked.repeat; repeat += 1) await measureAll(asked, repeat);
} finally {
  await Promise.all([...running.values()].map(({ server }) => server.stop()));
}
await tryAll(asked);
if (asked.sizes) await attempt("sizes", async () => void (results.sizes = await measureSizes()));
await record(asked);
process.exitCode = results.failures.length === 0 ? 0 : 1;

/** All servers live through the whole run, so that each is as warm as the others whenever its turn comes. */
async function startAll(peers: readonly Peer[]): Promise<Map<Peer, Running>> {
  const started = new Map<Peer, Running>();
  for (const peer of peers) {
    const absent = peer.absent?.();
    if (absent !== undefined) results.skipped.push(absent);
    else
      await attempt(
        `${peer.name} did not start`,
        async () => void started.set(peer, await peer.start(join(scratch, peer.name))),
      );
  }
  return started;
}

/** Peers take turns within each load: what a neighbour does to the machine for a minute hits all of them. */
async function measureAll({ loads, burst, windowSeconds, repeat: repeats }: Arguments, repeat: number): Promise<void> {
  for (const load of loads) {
    for (const [peer, server] of running) {
      await attempt(`${peer.name} at ${load.name}, repeat ${repeat}`, async () => {
        const measured = await measureFanOut(peer, server, load, windowSeconds);
        results.addFanOut(load.name, peer.name, measured);
        const { cpuUsPerDelivery, p50Ms, p99Ms, missing } = measured;
        const figures = `${cpuUsPerDelivery.toFixed(1)} µs, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, missing ${missing}`;
        console.error(`${repeat}/${repeats} ${load.name} ${peer.name}: ${figures}`);
      });
    }
  }
  if (!burst) return;
  for (const [peer, server] of running) {
    if (!peer.durable) continue;
    await attempt(`${peer.name} in the burst, repeat ${repeat}`, async () => {
      const measured = await measureBurst(peer, server);
      results.addBurst(peer.name, measured);
      console.error(
        `${repeat}/${repeats} burst ${peer.name}: ${Math.round(measured.ackedPerSecond)} acked/s, missing ${measured.missing}`,
      );
    });
  }
}

/** Once, with no other server beside them: a case may need all the descriptors and memory that there are. */
async function tryAll({ trials, scale }: Arguments): Promise<void> {
  for (const trial of trials) {
    for (const [index, each] of casesOf(trial, scale).entries()) {
      const what = `${trial}, ${each.title}`;
      await attempt(what, async () => {
        const startMs = performance.now();
        results.trials.push(await measureCase(trial, each, join(scratch, `${trial}-${index}`)));
        console.error(`${what}: measured in ${Math.round((performance.now() - startMs) / 1000)} s`);
      });
    }
  }
}

/** What cannot be measured is written down, and the rest goes on. */
async function attempt(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const why = `${what}: ${error instanceof Error ? error.message : String(error)}`;
    results.failures.push(why);
    console.error(why);
  }
  await delay(BETWEEN_MEASUREMENTS_MS);
}

async function record({ peers, loads, repeat, windowSeconds, scale, keep }: Arguments): Promise<void> {
  const at = new Date().toISOString();
  const host = machine();
  const where = `${host.processors} processors, Node ${host.node}, workerd ${host.workerd}`;
  const title = `${at.slice(0, 16).replace("T", " ")} UTC, ${where}, median of ${repeat} × ${windowSeconds} s${scale < 1 ? `, trials at ${scale} of their size` : ""}`;
  const page = summary({ title, peers, loads, results });
  console.log(`\n${page}`);
  const raw = `${JSON.stringify({ at, machine: host, repeat, windowSeconds, scale, results }, null, 2)}\n`;
  const plots = plotsOf(results, peers);
  const folder = join(import.meta.dirname, "results", at.slice(0, 19).replaceAll(":", "-"));
  await writeAll(folder, { "run.md": page, "run.json": raw, ...plots });
  if (keep !== undefined) await writeAll(kept, { [`${keep}.md`]: page, [`${keep}.json`]: raw, ...plots });
}

async function writeAll(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, contents] of Object.entries(files)) await writeFile(join(folder, name), contents);
  console.log(`written to ${folder}`);
}
