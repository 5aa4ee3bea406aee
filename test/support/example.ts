/** An example, started by the command of its README, word for word but for the key, in a process group of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { LiveTenant } from "../chaos/tenant.ts";

export const examplesFolder = join(import.meta.dirname, "../../examples");
const root = join(examplesFolder, "..");
const running = new Set<Example>();

/** Those that a failed test has left. */
export function endAll(): void {
  for (const example of running) example.kill();
}

/** What a README has in a block of `sh` with this in it. */
export function commandOf(name: string, holding: string): string {
  const readme = readFileSync(join(examplesFolder, name, "README.md"), "utf8");
  const block = [...readme.matchAll(/^```sh\n([\s\S]*?)^```/gm)].find(([, text]) => text?.includes(holding));
  if (block?.[1] === undefined) throw new Error(`the README of ${name} has no command with ${holding}`);
  return block[1];
}

export class Example {
  /** What it printed. */
  readonly lines: string[] = [];
  readonly #child: ChildProcess;

  private constructor(name: string, { url, key }: LiveTenant, env: Readonly<Record<string, string>>) {
    const command = commandOf(name, "npm run")
      .replaceAll("parley_demo_…", key)
      .replaceAll(/ MODEL_\w+=\S+/g, "");
    this.#child = spawn("sh", ["-c", command], {
      cwd: root,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, PORT: "0", PARLEY_URL: url, ...env },
    });
    running.add(this);
    for (const stream of [this.#child.stdout, this.#child.stderr])
      if (stream !== null) createInterface(stream).on("line", (line) => this.lines.push(line));
  }

  /** When it has said that it is ready: what matches. */
  static async start(
    name: string,
    tenant: LiveTenant,
    { ready, env = {} }: { readonly ready: RegExp; readonly env?: Readonly<Record<string, string>> },
  ): Promise<Example & { readonly said: string }> {
    const example = new Example(name, tenant, env);
    for (;;) {
      const [match] = example.lines.map((line) => ready.exec(line)).filter((found) => found !== null);
      if (match !== undefined) return Object.assign(example, { said: match[1] ?? match[0] });
      if (example.#child.exitCode !== null) throw new Error(`${name} has ended:\n${example.lines.join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** As a power cut would. */
  async end(): Promise<void> {
    const ended = once(this.#child, "close");
    this.kill();
    await ended;
  }

  kill(): void {
    running.delete(this);
    if (this.#child.pid !== undefined && this.#child.exitCode === null) process.kill(-this.#child.pid, "SIGKILL");
  }
}
