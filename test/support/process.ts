/** A real server for tests: `npm start` in a process group of its own, which can be stopped, killed and started again. */
import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

type Child = ChildProcessByStdio<null, Readable, Readable>;

const ownProject = resolve(import.meta.dirname, "../..");
const readyMs = 60_000;
const stopMs = 10_000;
const failMs = 30_000;

// A group of its own does not end with us: without this a failed test would leave a server running.
const running = new Set<Child>();
process.on("exit", () => running.forEach((child) => killGroup(child)));

export interface ServerOptions {
  /** Kept when given; otherwise a temporary one that `remove()` deletes. */
  dataDir?: string;
  env?: Record<string, string>;
  /** Another copy of the project to start. */
  project?: string;
  /** Another script to start, which says `ready <url>` as the project's own does. */
  launcher?: string;
}

/** Throws with the server's whole log when it is not ready within 60 s. */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const server = new Server(options);
  await server.start();
  return server;
}

export interface FailedStart {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A start that is expected to fail: what it said, and its exit code, or null when it had to be killed. */
export async function failToStart({ dataDir, env = {} }: ServerOptions): Promise<FailedStart> {
  const child = spawn(process.execPath, [launcherOf(ownProject)], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PORT: "0", ...env, ...(dataDir !== undefined && { DATA_DIR: dataDir }) },
  });
  running.add(child);
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => (said.stdout += String(chunk)));
  child.stderr.on("data", (chunk) => (said.stderr += String(chunk)));
  const timer = setTimeout(() => killGroup(child), failMs);
  await once(child, "close");
  clearTimeout(timer);
  running.delete(child);
  return { code: child.exitCode, ...said };
}

export class Server {
  readonly dataDir: string;
  /** Every line it printed, through all restarts. */
  readonly log: string[] = [];
  readonly #env: Record<string, string>;
  readonly #launcher: string;
  readonly #temporary: boolean;
  #child: Child | undefined;
  #url: URL | undefined;
  #demoKey: string | undefined;

  constructor({ dataDir, env = {}, project = ownProject, launcher = launcherOf(project) }: ServerOptions) {
    this.#temporary = dataDir === undefined;
    this.dataDir = dataDir ?? mkdtempSync(join(tmpdir(), "parley-"));
    this.#env = env;
    this.#launcher = launcher;
  }

  /** The lines that requests and connections have left, as they were printed. */
  get journal(): string[] {
    return this.log.filter(isJournal);
  }

  /** Without a trailing slash. */
  get url(): string {
    return known(this.#url).origin;
  }

  get port(): number {
    return Number(known(this.#url).port);
  }

  get pid(): number {
    return known(this.#child?.pid);
  }

  /** Everything that it has running: the launcher and workerd. Empty once it has ended. */
  get processes(): number[] {
    return pidsOf("-g", String(this.pid));
  }

  /** Megabytes of memory that workerd holds. */
  get runtimeMegabytes(): number {
    const [workerd] = pidsOf("-g", String(this.pid), "workerd");
    const { stdout } = spawnSync("ps", ["-o", "rss=", "-p", String(known(workerd))], { encoding: "utf8" });
    return Number(stdout) / 1_024;
  }

  get demoKey(): string {
    return known(this.#demoKey);
  }

  get operatorKey(): string {
    return (
      this.#env["OPERATOR_KEY"]?.split(",")[0]?.trim() ??
      JSON.parse(readFileSync(join(this.dataDir, "secrets.json"), "utf8")).operatorKey
    );
  }

  /** On the port it had before, if it ran before. */
  async start(): Promise<void> {
    const port = this.#url ? this.port : 0;
    // It writes its log, so that whoever looks for secrets in what was printed (test/run.ts) reads that, too.
    const child = spawn(process.execPath, [this.#launcher], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, PORT: String(port), LOG: "json", ...this.#env, DATA_DIR: this.dataDir },
    });
    this.#child = child;
    running.add(child);
    child.once("exit", () => running.delete(child));
    const started = this.log.length;
    createInterface(child.stderr).on("line", (line) => this.#hear(line, true));
    await this.#untilReady(child, started);
  }

  /** SIGTERM to the launcher, or to all of them at once. Gives its exit code and how long it took; throws when it does not end within 10 s. */
  async stop(whom: "launcher" | "all" = "launcher"): Promise<{ code: number | null; tookMs: number }> {
    const child = known(this.#child);
    const sinceMs = Date.now();
    if (whom === "all") process.kill(-this.pid, "SIGTERM");
    else child.kill("SIGTERM");
    await ended(child, stopMs);
    return { code: child.exitCode, tookMs: Date.now() - sinceMs };
  }

  /** kill -9 of the launcher and workerd at once, as a power cut would. */
  async kill(): Promise<void> {
    const child = known(this.#child);
    killGroup(child);
    await ended(child, stopMs);
  }

  /** Stops it if it still runs, and starts it over the same data on the same port. */
  async restart(): Promise<void> {
    if (running.has(known(this.#child))) await this.stop();
    await this.start();
  }

  /** Kills what runs and deletes a temporary data folder. */
  async remove(): Promise<void> {
    if (this.#child && running.has(this.#child)) await this.kill();
    if (this.#temporary) rmSync(this.dataDir, { recursive: true, force: true, maxRetries: 5 });
  }

  /** What comes after the introduction, which shows a key, is kept for who looks for secrets in it (test/run.ts). */
  #hear(line: string, isIntroduced: boolean): void {
    this.log.push(line);
    const folder = process.env["PARLEY_SERVER_LOGS"];
    if (isIntroduced && folder !== undefined) appendFileSync(join(folder, String(this.pid)), `${line}\n`);
  }

  async #untilReady(child: Child, started: number): Promise<void> {
    const lines = createInterface(child.stdout);
    const timer = setTimeout(() => killGroup(child), readyMs);
    const ready = Promise.withResolvers<void>();
    let isIntroduced = false;
    lines.on("line", (line) => {
      this.#hear(line, isIntroduced);
      isIntroduced ||= line.startsWith("ready ");
      const [label, value] = line.split(/\s+/);
      if (label === "key") this.#demoKey = value;
      if (label !== "ready" || value === undefined) return;
      this.#url = new URL(value);
      ready.resolve();
    });
    child.once("close", () =>
      ready.reject(new Error(`the server did not start:\n${this.log.slice(started).join("\n")}`)),
    );
    await ready.promise.finally(() => clearTimeout(timer));
  }
}

/** A line of a request or a connection. One of a bug, which is JSON too, begins otherwise. */
export function isJournal(line: string): boolean {
  return line.startsWith('{"time":');
}

function launcherOf(project: string): string {
  return join(project, "standalone", "start.ts");
}

function pidsOf(...query: string[]): number[] {
  const { stdout } = spawnSync("pgrep", query, { encoding: "utf8" });
  return stdout.split("\n").filter(Boolean).map(Number);
}

function killGroup(child: Child): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // The whole group is gone already.
  }
}

async function ended(child: Child, withinMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await once(child, "exit", { signal: AbortSignal.timeout(withinMs) });
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the server has not started");
  return value;
}
