/** `npm start`: runs Parley on this machine until it is told to stop. */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Bundle, isStale, readBundle } from "./bundle.ts";
import { demoKey } from "./demo.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { Failure, systemCode } from "./failure.ts";
import { claimGeneration } from "./generation.ts";
import { Host } from "./host.ts";
import { Lock } from "./lock.ts";
import { connectionsFor, filesFor, openFileLimit, openFileWarning } from "./openFiles.ts";
import { waitForPort } from "./port.ts";
import { newRuntimePath, oldRuntimeWarning } from "./runtime.ts";
import { Secrets } from "./secrets.ts";
import { clearStrays } from "./strays.ts";
import { WorkerLog } from "./workerLog.ts";

let stopping = false;

try {
  await start();
} catch (error) {
  // Told to stop on its way, a start fails somewhere; the exit belongs to who stops it.
  if (!stopping) end(error);
}

async function start(): Promise<void> {
  const environment = readEnvironment(process.env);
  if (isStale()) build();
  const lock = await claim(environment.DATA_DIR);
  claimGeneration(environment.DATA_DIR, environment.GENERATION);
  clearStrays(environment.DATA_DIR);
  const secrets = new Secrets(environment);
  const bundle = readBundle();
  await waitForPort(environment.HOST, environment.PORT);
  const fileLimit = openFileLimit();
  const maxConnections = environment.MAX_CONNECTIONS ?? connectionsFor(fileLimit);
  const log = new WorkerLog();
  const host = open({ bundle, environment, secrets, maxConnections, maxFiles: filesFor(fileLimit), lock, log });
  const server = await host.url();
  await expectHealth(server, log);
  await introduce({
    bundle,
    environment,
    secrets,
    server,
    warnings: [openFileWarning(fileLimit, maxConnections), oldRuntimeWarning(newRuntimePath())],
  });
  log.open();
}

/** Makes the data folder and takes its lock for as long as this process lives. */
async function claim(dataFolder: string): Promise<Lock> {
  // Whatever we or workerd write in there is for our own user only, also in a folder that others may enter.
  process.umask(0o077);
  try {
    mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
    const lock = await Lock.take(dataFolder);
    process.on("exit", () => lock.release());
    return lock;
  } catch (error) {
    const code = systemCode(error);
    throw code === undefined ? error : new Failure(`cannot write to DATA_DIR ${dataFolder}: ${code}`);
  }
}

function build(): void {
  const run = spawnSync(process.execPath, [join(import.meta.dirname, "build.ts")], { stdio: "inherit" });
  if (run.status !== 0) throw new Failure("the build failed");
}

interface Parts {
  bundle: Bundle;
  environment: Environment;
  secrets: Secrets;
}

function open({
  bundle,
  environment,
  secrets,
  maxConnections,
  maxFiles,
  lock,
  log,
}: Parts & { maxConnections: number; maxFiles: number; lock: Lock; log: WorkerLog }): Host {
  const host = new Host({
    bundle,
    host: environment.HOST,
    port: environment.PORT,
    dataFolder: environment.DATA_DIR,
    bindings: {
      OPERATOR_KEY: secrets.operatorKey,
      MASTER_KEY: secrets.masterKey,
      MAX_CONNECTIONS: String(maxConnections),
      MAX_FILES: String(maxFiles),
      ...(environment.GENERATION !== undefined && { GENERATION: environment.GENERATION }),
      ...(environment.LOG !== undefined && { LOG: environment.LOG }),
      ...(environment.PRIVATE_ENDPOINTS !== undefined && { PRIVATE_ENDPOINTS: environment.PRIVATE_ENDPOINTS }),
      ...(environment.CLIENT_ADDRESS_HEADER !== undefined && {
        CLIENT_ADDRESS_HEADER: environment.CLIENT_ADDRESS_HEADER,
      }),
    },
    isPrivateAllowed: environment.PRIVATE_ENDPOINTS === "allow",
    log,
    onRuntime: (pid) => lock.noteRuntime(pid),
    onLost: (error) => end(new Failure(`the runtime died and could not be started again: ${causeOf(error).message}`)),
  });
  stopOnSignal(host);
  return host;
}

function stopOnSignal(host: Host): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      // Who asks twice does not want to wait.
      if (stopping) process.exit(1);
      stopping = true;
      void host.close().then(() => process.exit(0), end);
    });
  }
}

async function expectHealth(server: URL, log: WorkerLog): Promise<void> {
  const response = await fetch(new URL("/health", server), { signal: AbortSignal.timeout(20_000) }).catch(
    () => undefined,
  );
  await response?.body?.cancel();
  if (response?.ok) return;
  log.open();
  throw new Failure(`the Worker does not answer /health: ${response?.status ?? "no answer"}`);
}

async function introduce({
  bundle,
  environment,
  secrets,
  server,
  warnings,
}: Parts & { server: URL; warnings: readonly (string | undefined)[] }): Promise<void> {
  const origin = server.origin;
  const demo = await demoKey({ server, operatorKey: firstOf(secrets.operatorKey), known: secrets.demoKey });
  console.log(`Parley ${bundle.version}`);
  console.log(`data     ${environment.DATA_DIR}`);
  if (demo.ok) {
    if (demo.secret !== secrets.demoKey) secrets.keepDemoKey(demo.secret);
    console.log(`demo     ${origin}/demo/#key=${demo.secret}`);
    console.log(`console  ${origin}/console/#key=${demo.secret}`);
    console.log(`key      ${demo.secret}`);
    console.log(`try      ${exampleFor(origin, demo.secret)}`);
    console.log(`follow   ${followingAt(origin, demo.secret)}`);
  } else {
    console.log(`warning  no tenant to try things with: ${demo.reason}`);
  }
  for (const warning of warnings) if (warning !== undefined) console.log(warning);
  console.log(`ready ${origin}`);
}

function exampleFor(origin: string, key: string): string {
  const headers = [`Authorization: Bearer ${key}`, "Parley-User: ada", "Content-Type: application/json"].map(
    (header) => `-H '${header}'`,
  );
  return `curl -X POST ${origin}/v1/rooms/general/messages ${headers.join(" ")} -d '{"text":"hello"}'`;
}

/** What is said in the room, by the command line: in another terminal, from this same folder. */
function followingAt(origin: string, key: string): string {
  const url = origin === "http://127.0.0.1:8787" ? "" : `PARLEY_URL=${origin} `;
  return `${url}PARLEY_KEY=${key} npx parley tail general`;
}

/** While the operator's key is being changed there are two; the first is the new one. */
function firstOf(keys: string): string {
  return keys.split(",")[0]?.trim() ?? keys;
}

function causeOf(error: Error): Error {
  return error.cause instanceof Error ? causeOf(error.cause) : error;
}

function end(error: unknown): never {
  console.error(error instanceof Failure ? `parley: ${error.message}` : error);
  process.exit(1);
}
