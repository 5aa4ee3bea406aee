/** How many connections the open-file limit of this process leaves room for. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const comfortableFiles = 65_536;
// For the runtime's own, objects that only HTTP has woken, and connections on their way to being refused.
const reservedFiles = 2_000;
const fewestConnections = 64;

/** Node raises its soft limit to the hard one when it starts, and workerd inherits that. */
export function openFileLimit(): number {
  const limit = limitFromProc() ?? execFileSync("sh", ["-c", "ulimit -n"], { encoding: "utf8" }).trim();
  return limit === "unlimited" ? 1_048_576 : Number(limit);
}

// workerd takes one or two descriptors a socket and dies when they run out, so the Worker refuses before that.
export function connectionsFor(fileLimit: number): number {
  return Math.max(fewestConnections, Math.floor(filesFor(fileLimit) / 2));
}

/** For connections and the rooms that they are in, three descriptors each: 5,000 sockets in as many rooms take 25,000. */
export function filesFor(fileLimit: number): number {
  return Math.max(5 * fewestConnections, fileLimit - reservedFiles);
}

export function openFileWarning(fileLimit: number, maxConnections: number): string | undefined {
  if (fileLimit >= comfortableFiles) return undefined;
  const apart = Math.floor(filesFor(fileLimit) / 5);
  return `warning  only ${fileLimit} open files allowed: connections beyond ${maxConnections} (${Math.min(apart, maxConnections)} in as many rooms) are refused and a flood of bare TCP connections can end the server; raise it with \`ulimit -n ${comfortableFiles}\``;
}

function limitFromProc(): string | undefined {
  try {
    return /^Max open files\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  } catch {
    return undefined;
  }
}
