/** A server under measurement: alone in its process group, known to be ready by its line `ready http://127.0.0.1:<port>`. */
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { processTree } from "./cpu.ts";
import { killGroup, startGroup, stopGroup } from "./groups.ts";

const READY_WITHIN_MS = 60_000;
/** Lines of a server's output that are kept to explain a failed start. */
const LINES_KEPT = 15;

export interface ServerCommand {
  command: string;
  args: readonly string[];
  env: Record<string, string>;
  cwd?: string;
  /** Takes the base address from a line of output. */
  ready: (line: string) => string | undefined;
}

export class Server {
  readonly base: string;
  /** What it has said on its error output since it was ready: warnings and errors, the first of them. */
  readonly complaints: readonly string[];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, base: string) {
    this.#child = child;
    this.base = base;
    this.complaints = complaintsOf(child);
  }

  static async start(what: ServerCommand): Promise<Server> {
    const { command, args, ready, cwd } = what;
    const env = { ...process.env, ...what.env };
    const child = startGroup(command, args, {
      env,
      stdio: ["ignore", "pipe", "pipe"],
      ...(cwd === undefined ? {} : { cwd }),
    });
    try {
      return new Server(child, await waitForReady(child, ready));
    } catch (error) {
      await stopGroup(child);
      throw error;
    }
  }

  /** Processes whose time counts. `workerd` alone where Node only hosts it, everything where the launcher belongs to the product. */
  pids(counted: "workerd" | "all"): number[] {
    const { pid } = this.#child;
    if (pid === undefined || this.#child.exitCode !== null) throw new Error("the server has ended");
    const counting = processTree(pid).filter((process) => counted === "all" || process.command === "workerd");
    if (counting.length === 0) throw new Error("the server has no such process");
    return counting.map((process) => process.pid);
  }

  stop(): Promise<void> {
    return stopGroup(this.#child);
  }

  kill(): Promise<void> {
    return killGroup(this.#child);
  }
}

/** To be called once it is ready: what it says before that explains a failed start. */
function complaintsOf(child: ChildProcess): string[] {
  const lines: string[] = [];
  if (child.stderr !== null)
    createInterface({ input: child.stderr }).on("line", (line) => lines.length < LINES_KEPT && lines.push(line));
  return lines;
}

function waitForReady(child: ChildProcess, ready: ServerCommand["ready"]): Promise<string> {
  return new Promise((resolve, reject) => {
    const said: string[] = [];
    const limit = setTimeout(() => fail(`not ready within ${READY_WITHIN_MS} ms`), READY_WITHIN_MS);
    const fail = (why: string) => {
      clearTimeout(limit);
      reject(new Error([why, ...said.slice(-LINES_KEPT)].join("\n  ")));
    };
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code, signal) => fail(`ended with ${code ?? signal} before it was ready`));
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => {
        const base = ready(line);
        if (base === undefined) return void said.push(line);
        clearTimeout(limit);
        resolve(base);
      });
    }
  });
}
