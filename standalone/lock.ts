/** Keeps two servers off one data folder, and clears away the runtime a killed launcher left behind. */
import { execFileSync } from "node:child_process";
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { Failure, systemCode } from "./failure.ts";

// A pid alone is given out again after a reboot, and in a container it is the same at each start: the birth tells them apart.
const Process = z.object({ pid: z.number().int().positive(), birth: z.string() });
type Process = z.infer<typeof Process>;

const Holder = z.object({ launcher: Process, runtime: Process.optional() });
type Holder = z.infer<typeof Holder>;

export class Lock {
  readonly #path: string;
  readonly #launcher: Process;

  private constructor(path: string, launcher: Process) {
    this.#path = path;
    this.#launcher = launcher;
  }

  /** Throws a Failure when a living server holds the folder. */
  static async take(dataFolder: string): Promise<Lock> {
    const path = join(dataFolder, "lock.json");
    const launcher = identify(process.pid);
    if (!launcher) throw new Error("this process cannot be found among the living");
    const lock = new Lock(path, launcher);
    while (!lock.#create()) await removeStale(path, dataFolder);
    return lock;
  }

  /** The runtime outlives a launcher that is killed alone; the next start ends it by this note. */
  noteRuntime(pid: number): void {
    const runtime = identify(pid);
    this.#write(this.#path, { launcher: this.#launcher, ...(runtime && { runtime }) });
  }

  release(): void {
    rmSync(this.#path, { force: true });
  }

  // A link appears whole or not at all, so nobody reads a half-written lock.
  #create(): boolean {
    const draft = `${this.#path}.${process.pid}.new`;
    writeFileSync(draft, JSON.stringify({ launcher: this.#launcher }));
    try {
      linkSync(draft, this.#path);
      return true;
    } catch (error) {
      if (systemCode(error) === "EEXIST") return false;
      throw error;
    } finally {
      rmSync(draft, { force: true });
    }
  }

  #write(path: string, holder: Holder): void {
    const draft = `${path}.${process.pid}`;
    writeFileSync(draft, JSON.stringify(holder));
    renameSync(draft, path);
  }
}

async function removeStale(path: string, dataFolder: string): Promise<void> {
  const holder = readHolder(path);
  if (holder && isAlive(holder.launcher))
    throw new Failure(`${dataFolder} is in use by process ${holder.launcher.pid}: stop it, or set DATA_DIR`);
  if (holder?.runtime) await end(holder.runtime);
  moveAway(path, dataFolder);
}

/** Another start may have put its own lock there since we looked: what is moved aside is looked at once more, and put back. */
function moveAway(path: string, dataFolder: string): void {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw error;
  }
  const moved = readHolder(aside);
  if (moved && isAlive(moved.launcher)) {
    renameSync(aside, path);
    throw new Failure(`${dataFolder} is in use by process ${moved.launcher.pid}: stop it, or set DATA_DIR`);
  }
  rmSync(aside, { force: true });
}

function readHolder(path: string): Holder | undefined {
  try {
    return Holder.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    // It went away, or a full disk cut it short: in both cases it holds nothing.
    return undefined;
  }
}

async function end(orphan: Process): Promise<void> {
  const deadlineMs = Date.now() + 5_000;
  while (isAlive(orphan)) {
    if (Date.now() > deadlineMs) throw new Failure(`process ${orphan.pid}, left by a killed server, does not end`);
    process.kill(orphan.pid, "SIGKILL");
    await sleep(50);
  }
}

function isAlive({ pid, birth }: Process): boolean {
  return identify(pid)?.birth === birth;
}

function identify(pid: number): Process | undefined {
  const birth = process.platform === "linux" ? birthFromProc(pid) : birthFromPs(pid);
  return birth === undefined ? undefined : { pid, birth };
}

function birthFromProc(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in brackets may hold anything, so count from its end: state is the 3rd field, the start time the 22nd.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function birthFromPs(pid: number): string | undefined {
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || undefined;
  } catch {
    return undefined;
  }
}
