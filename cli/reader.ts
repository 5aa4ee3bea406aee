/** Who reads what we write: whether anybody still does, also while there is nothing to write. */
import { spawn } from "node:child_process";
import { fstatSync } from "node:fs";

/**
 * Node learns that the reader of a pipe has gone from the next write alone, which in a quiet room may be far away. GNU tail
 * waits for it, and dies of SIGPIPE then. Where there is another tail, or none, we go with the next write.
 */
export function whenReaderLeaves(leave: () => void): void {
  if (!fstatSync(1).isFIFO()) return;
  const watcher = spawn("tail", [`--pid=${process.pid}`, "--sleep-interval=0.3", "-f", "/dev/null"], {
    stdio: ["ignore", "inherit", "ignore"],
  });
  watcher.on("error", () => undefined);
  watcher.on("exit", (_, signal) => signal === "SIGPIPE" && leave());
  watcher.unref();
  process.on("exit", () => watcher.kill("SIGKILL"));
}
