/** `node bench/log.ts [--pairs=7] [--seconds=8]`: what the log costs a request. Two servers, one with `LOG=json`, take turns. */
import { mkdtempSync, openSync, rmSync, statSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { cpuUs, processTree } from "./cpu.ts";
import { killGroups, startGroup, stopGroup } from "./groups.ts";
import { median } from "./percentile.ts";
import { freePort } from "./port.ts";
import { figure, table } from "./table.ts";
import { apiKeyOf, provision } from "./tenant.ts";

const operatorKey = "an-operator-key-for-this-bench-alone";
const rooms = 16;
/** Under way at once. */
const callers = 32;
const readyWithinMs = 60_000;

interface Candidate {
  readonly log: "off" | "json";
  readonly base: string;
  readonly key: string;
  /** Of the runtime, and of the launcher, through which its log goes. */
  readonly runtime: readonly number[];
  readonly launcher: readonly number[];
  readonly printed: string;
  readonly stop: () => Promise<void>;
}

interface Window {
  readonly perSecond: number;
  /** Of processor time, each request. */
  readonly runtimeUs: number;
  readonly launcherUs: number;
  readonly bytesPerRequest: number;
}

const { values } = parseArgs({
  options: { pairs: { type: "string", default: "7" }, seconds: { type: "string", default: "8" } },
});
const scratch = mkdtempSync(join(tmpdir(), "parley-log-"));
process.once("exit", () => {
  killGroups();
  rmSync(scratch, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));
await compare(Number(values.pairs), Number(values.seconds));

/** Which of a pair goes first changes from pair to pair: what the machine does besides hits both. */
async function compare(pairs: number, seconds: number): Promise<void> {
  const off = await start("off");
  const json = await start("json");
  for (const candidate of [off, json]) await measure(candidate, seconds);
  const measured: { off: Window; json: Window }[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const first = await measure(pair % 2 === 0 ? off : json, seconds);
    const second = await measure(pair % 2 === 0 ? json : off, seconds);
    console.error(
      `${pair + 1}/${pairs}: ${[first, second].map(({ runtimeUs, launcherUs }) => figure(runtimeUs + launcherUs)).join(", ")} µs`,
    );
    measured.push(pair % 2 === 0 ? { off: first, json: second } : { off: second, json: first });
  }
  const middle = (of: (pair: (typeof measured)[number]) => number): string => figure(median(measured.map(of)));
  const row = (what: string, of: (window: Window) => number): string[] => [
    what,
    middle((pair) => of(pair.off)),
    middle((pair) => of(pair.json)),
    middle((pair) => of(pair.json) / of(pair.off)),
  ];
  console.log(
    table(
      [`publishes over HTTP, ${callers} at once, median of ${pairs} pairs`, "LOG=off", "LOG=json", "of a pair"],
      [
        row("requests a second", ({ perSecond }) => perSecond),
        row("CPU, µs a request", ({ runtimeUs, launcherUs }) => runtimeUs + launcherUs),
        row("of these, workerd's", ({ runtimeUs }) => runtimeUs),
        row("and the launcher's", ({ launcherUs }) => launcherUs),
      ],
    ),
  );
  console.log(`\na line has ${middle((pair) => pair.json.bytesPerRequest)} bytes`);
  await Promise.all([off.stop(), json.stop()]);
}

/** Its output goes to a file, as a service's goes to a journal: who reads a pipe would take processor time from it. */
async function start(log: Candidate["log"]): Promise<Candidate> {
  const printed = join(scratch, `${log}.txt`);
  const file = openSync(printed, "a");
  const port = await freePort();
  const settings = { PORT: String(port), HOST: "127.0.0.1", DATA_DIR: join(scratch, log), LOG: log };
  const secrets = { OPERATOR_KEY: operatorKey, MASTER_KEY: `1:${"0123456789abcdef".repeat(3)}` };
  const entry = join(import.meta.dirname, "..", "standalone", "start.ts");
  const env = { ...process.env, ...settings, ...secrets };
  const child = startGroup(process.execPath, [entry], { env, stdio: ["ignore", file, file] });
  const base = `http://127.0.0.1:${port}`;
  const untilMs = Date.now() + readyWithinMs;
  while (!(await fetch(`${base}/health`).catch(() => null))?.ok) {
    if (Date.now() > untilMs || child.exitCode !== null) throw new Error(`the server with LOG=${log} did not start`);
    await delay(200);
  }
  const key = apiKeyOf({ dialect: "parley", base, ...(await provision(base, operatorKey)) });
  const pids = (isRuntime: boolean): number[] =>
    processTree(child.pid ?? 0).flatMap(({ pid, command }) => ((command === "workerd") === isRuntime ? pid : []));
  return { log, base, key, runtime: pids(true), launcher: pids(false), printed, stop: () => stopGroup(child) };
}

async function measure({ base, key, runtime, launcher, printed }: Candidate, seconds: number): Promise<Window> {
  const agent = new Agent({ keepAlive: true, maxSockets: callers });
  const before = [cpuUs(runtime), cpuUs(launcher)] as const;
  const bytesBefore = statSync(printed).size;
  const sinceMs = performance.now();
  const untilMs = sinceMs + seconds * 1_000;
  let count = 0;
  const caller = async (index: number): Promise<void> => {
    for (; performance.now() < untilMs; count++)
      await publish(agent, `${base}/v1/rooms/room-${index % rooms}/messages`, key);
  };
  await Promise.all(Array.from({ length: callers }, (_, index) => caller(index)));
  const tookMs = performance.now() - sinceMs;
  // What is still on its way through a pipe belongs to these requests, too.
  await delay(500);
  agent.destroy();
  return {
    perSecond: (count * 1_000) / tookMs,
    runtimeUs: (cpuUs(runtime) - before[0]) / count,
    launcherUs: (cpuUs(launcher) - before[1]) / count,
    bytesPerRequest: (statSync(printed).size - bytesBefore) / count,
  };
}

function publish(agent: Agent, url: string, key: string): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, "parley-user": "u_1", "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent, method: "POST", headers }, (answer) => {
      answer.resume();
      answer.once("end", () => (answer.statusCode === 201 ? resolve() : reject(new Error(`${answer.statusCode}`))));
    });
    asked.once("error", reject);
    asked.end('{"text":"a message that is as long as most are, which is about one hundred characters of plain text"}');
  });
}
