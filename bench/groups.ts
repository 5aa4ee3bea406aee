/** The process groups that this run started. Each is killed as a group: Miniflare's workerd outlives a killed parent. */
import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";

const STOP_WITHIN_MS = 5_000;
const alive = new Set<number>();

export function startGroup(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(command, args, { ...options, detached: true });
  const { pid } = child;
  if (pid !== undefined) alive.add(pid);
  return child;
}

/** Asks politely, waits, then kills what is left of the group, also when its leader has already ended. */
export async function stopGroup(child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined || !alive.has(pid)) return;
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    signal(pid, "SIGTERM");
    await Promise.race([ended, delay(STOP_WITHIN_MS, undefined, { ref: false })]);
  }
  signal(pid, "SIGKILL");
  alive.delete(pid);
}

/** As a power cut would. */
export async function killGroup(child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined || !alive.has(pid)) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const isOver = child.exitCode !== null || child.signalCode !== null;
  signal(pid, "SIGKILL");
  if (!isOver) await ended;
  alive.delete(pid);
}

/** For the end of this process, where nothing can be awaited. */
export function killGroups(): void {
  for (const pid of alive) signal(pid, "SIGKILL");
  alive.clear();
}

function signal(group: number, name: NodeJS.Signals): void {
  try {
    process.kill(-group, name);
  } catch {
    // The group has ended: that is what was wanted.
  }
}
