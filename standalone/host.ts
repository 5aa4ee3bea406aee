/** Runs the bundle in workerd, with Miniflare standing in for Cloudflare's objects, R2 and static assets. */
import { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type MiniflareOptions } from "miniflare";
import { type Bundle, bundleFolder, edgeModule } from "./bundle.ts";
import { Failure } from "./failure.ts";
import { withOutbound } from "./outbound.ts";
import { newRuntimePath } from "./runtime.ts";
import type { WorkerLog } from "./workerLog.ts";

const disposeMs = 3_000;
/** The export of edge.js that a socket leads to. */
const entrypoint = "edge";

export interface HostOptions {
  bundle: Bundle;
  host: string;
  port: number;
  dataFolder: string;
  /** Text bindings, over the vars of wrangler.toml. */
  bindings: Record<string, string>;
  /** Whether the Worker may call addresses of this machine and its network. */
  isPrivateAllowed: boolean;
  log: WorkerLog;
  /** Called for each workerd, also for one that takes a dead one's place. */
  onRuntime: (pid: number) => void;
  /** Called when workerd died and no other could take its place. */
  onLost: (error: Error) => void;
}

export class Host {
  readonly #miniflare: Miniflare;
  readonly #workerName: string;
  readonly #host: string;
  #runtime: ChildProcess | undefined;
  readonly #onRuntime: HostOptions["onRuntime"];

  /** Starts at once; `url` waits until it answers. */
  constructor(options: HostOptions) {
    this.#workerName = options.bundle.name;
    this.#host = options.host;
    this.#onRuntime = options.onRuntime;
    // Miniflare tells nobody the pid of workerd, and restarts it unasked.
    subscribe("child_process", this.#watch);
    // Miniflare takes another workerd than its own from its environment alone.
    const runtime = newRuntimePath();
    if (runtime !== undefined) process.env["MINIFLARE_WORKERD_PATH"] ??= runtime;
    this.#miniflare = new Miniflare(miniflareOptions(options));
    process.on("exit", () => this.#runtime?.kill("SIGKILL"));
    // Each of Miniflare's listeners ends this process at once with 143, before anything could be closed: ours close it.
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.removeAllListeners(signal);
  }

  /** Where this machine reaches the server. Throws a Failure when workerd does not start. */
  async url(): Promise<URL> {
    try {
      const { port } = await this.#miniflare.unsafeGetDirectURL(this.#workerName, entrypoint);
      return new URL(`http://${reachable(this.#host)}:${port || "80"}`);
    } catch (error) {
      throw new Failure(error instanceof Error ? error.message : String(error));
    }
  }

  /** Ends workerd with whatever is still connected. Left to itself it waits for the last socket, for ever. */
  async close(): Promise<void> {
    await Promise.race([this.#miniflare.dispose().catch(() => undefined), sleep(disposeMs)]);
    unsubscribe("child_process", this.#watch);
    const runtime = this.#runtime;
    if (!runtime || runtime.exitCode !== null || runtime.signalCode !== null) return;
    runtime.kill("SIGKILL");
    await Promise.race([once(runtime, "exit"), sleep(1_000)]);
  }

  readonly #watch = (message: unknown): void => {
    if (!(message instanceof Object && "process" in message && message.process instanceof ChildProcess)) return;
    const child = message.process;
    child.once("spawn", () => {
      if (!child.spawnargs.includes("serve") || child.pid === undefined) return;
      this.#runtime = child;
      this.#onRuntime(child.pid);
    });
  };
}

function miniflareOptions(options: HostOptions): MiniflareOptions {
  const { bundle, host, port, dataFolder, bindings, isPrivateAllowed, log, onLost } = options;
  return convertV4MiniflareOptions({
    // Miniflare's own entrance answers with stacks and recompresses every body (half the requests a second), and its helper in Node
    // listens wherever the entrance does, for anyone. So both stay on loopback, and the Worker gets a socket of its own. That socket also takes
    // Cap'n Proto calls: anyone may send the Worker's default export whatever events it handles, so it must handle `fetch` only.
    host: "127.0.0.1",
    port: 0,
    cf: false,
    logRequests: false,
    log: new MiniflareLog(onLost),
    handleStructuredLogs: (line) => log.add(line),
    unsafeHandleRuntimeRestart: () => log.add({ level: "warn", message: "the runtime died and was started again" }),
    // The older names (durableObjectsPersist, r2Persist) are accepted and ignored: data would go to the system's temporary folder.
    resourcePersistencePath: dataFolder,
    workers: withOutbound(
      {
        ...workerOptions(bundle, bundleFolder),
        bindings: { ...bundle.vars, ...bindings, RUN_WORKER_FIRST: bundle.assets.runWorkerFirst },
        unsafeDirectSockets: [{ host, port, entrypoint }],
      },
      isPrivateAllowed,
    ),
  });
}

/** `folder`: where the bundle is. */
export function workerOptions(
  { name, compatibilityDate, compatibilityFlags, objects, ratelimits, buckets, assets }: Bundle,
  folder: string,
) {
  return {
    name,
    compatibilityDate,
    compatibilityFlags,
    rootPath: folder,
    modules: [edgeModule, "index.js"].map((file) => ({ type: "ESModule" as const, path: join(folder, file) })),
    durableObjects: Object.fromEntries(
      objects.map(({ binding, className }) => [binding, { className, useSQLite: true }]),
    ),
    ratelimits: Object.fromEntries(
      ratelimits.map(({ name: binding, limit, period }) => [
        binding,
        { namespace_id: binding, simple: { limit, period } },
      ]),
    ),
    r2Buckets: Object.fromEntries(buckets.map((bucket) => [bucket.binding, bucket.name])),
    assets: {
      directory: join(folder, "public"),
      binding: assets.binding,
      routerConfig: { has_user_worker: true },
      assetConfig: { html_handling: assets.htmlHandling, not_found_handling: assets.notFoundHandling },
    },
  };
}

/** Keeps Miniflare quiet, but for the one thing that must end the server: workerd died and did not come back. */
class MiniflareLog extends Log {
  readonly #onLost: (error: Error) => void;

  constructor(onLost: (error: Error) => void) {
    super(LogLevel.NONE);
    this.#onLost = onLost;
  }

  override error(error: Error): void {
    if ("code" in error && error.code === "ERR_RUNTIME_FAILURE") this.#onLost(error);
  }
}

function reachable(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return isIPv6(host) ? `[${host}]` : host;
}
