/** The built command line, run as a person runs it: with an environment, a home and a folder of its own. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

const launcher = join(import.meta.dirname, "../../cli/parley.js");
const patienceMs = 20_000;

export interface Ran {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly key?: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Which Node. */
  readonly node?: string;
}

export class CommandLine {
  /** Its home, and the folder in which it is run. */
  readonly folder = mkdtempSync(join(tmpdir(), "parley-cli-"));
  readonly #server: { readonly url: string };
  readonly #key: string;

  constructor(server: { readonly url: string }, key: string) {
    this.#server = server;
    this.#key = key;
  }

  async run(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const running = this.start(args, options);
    running.child.stdin.end(options.input ?? "");
    return running.ended();
  }

  /** What is said to `sh`, with the launcher as `$PARLEY`. */
  async shell(line: string, options: RunOptions = {}): Promise<Ran> {
    const child = spawn("sh", ["-c", line], this.#setting(options));
    child.stdin.end(options.input ?? "");
    return new Running(child).ended();
  }

  start(args: readonly string[], options: RunOptions = {}): Running {
    return new Running(spawn(options.node ?? process.execPath, [launcher, ...args], this.#setting(options)));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #setting({ key = this.#key, env, node = process.execPath }: RunOptions) {
    const own = { PARLEY_URL: this.#server.url, PARLEY_KEY: key, HOME: this.folder, TZ: "UTC" };
    const all = { ...process.env, ...own, PARLEY: `${node} ${launcher}`, ...env };
    return { cwd: this.folder, env: all, stdio: "pipe" as const };
  }
}

export class Running {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  out = "";
  err = "";
  readonly #closed: Promise<unknown>;

  constructor(child: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.child = child;
    child.stdout.setEncoding("utf8").on("data", (text: string) => (this.out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (this.err += text));
    this.#closed = once(child, "close");
    child.stdin.on("error", () => undefined);
  }

  get lines(): string[] {
    return this.out.split("\n").slice(0, -1);
  }

  async ended(): Promise<Ran> {
    const timer = setTimeout(() => this.child.kill("SIGKILL"), patienceMs);
    await this.#closed;
    clearTimeout(timer);
    return { code: this.child.exitCode, out: this.out, err: this.err };
  }
}
