/** Processor time of processes and of the machine, read from /proc. */
import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ: the unit of /proc, 100 on every Linux that Node runs on (`getconf CLK_TCK`). */
const TICK_US = 10_000;

interface ProcessStat {
  pid: number;
  parent: number;
  command: string;
  cpuUs: number;
}

/** The process and all its descendants, as they are now. */
export function processTree(root: number): ProcessStat[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statIfAlive(Number(name)));
  const tree = all.filter((process) => process.pid === root);
  for (let at = 0; at < tree.length; at += 1) tree.push(...all.filter((process) => process.parent === tree[at]?.pid));
  return tree;
}

/** User + system time of these processes together. Throws when one of them is gone: its time would be missing in a difference. */
export function cpuUs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + stat(pid).cpuUs, 0);
}

/** Time in which any processor of the machine was busy, whoever used it. */
export function machineBusyUs(): number {
  const line = readFileSync("/proc/stat", "utf8").split("\n", 1)[0] ?? "";
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) * TICK_US;
}

function statIfAlive(pid: number): ProcessStat[] {
  try {
    return [stat(pid)];
  } catch {
    return []; // It ended between the listing and the reading.
  }
}

function stat(pid: number): ProcessStat {
  const line = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The command stands in brackets and may itself contain spaces and brackets: fields are counted from the last one.
  const close = line.lastIndexOf(")");
  const fields = line.slice(close + 2).split(" ");
  const [parent, user, system] = [Number(fields[1]), Number(fields[11]), Number(fields[12])];
  return { pid, parent, command: line.slice(line.indexOf("(") + 1, close), cpuUs: (user + system) * TICK_US };
}
