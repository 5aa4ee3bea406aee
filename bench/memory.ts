/** Memory and open files of processes, read from /proc. */
import { readdirSync, readFileSync } from "node:fs";

export interface Holdings {
  /** Resident memory. */
  kilobytes: number;
  openFiles: number;
}

export function holdingsOf(pids: readonly number[]): Holdings {
  const each = pids.map((pid) => ({
    kilobytes: Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0),
    openFiles: readdirSync(`/proc/${pid}/fd`).length,
  }));
  return {
    kilobytes: each.reduce((sum, { kilobytes }) => sum + kilobytes, 0),
    openFiles: each.reduce((sum, { openFiles }) => sum + openFiles, 0),
  };
}
