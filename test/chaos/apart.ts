/**
 * The Worker, its rooms and its other objects as three scripts, each of a build of its own: as they stand for a while on Cloudflare when
 * a version takes another's place. Like `npm start` it says `ready <url>`; it ends by being killed.
 * `EDGE=<project> ROOMS=<project> OTHERS=<project> PORT=8787 DATA_DIR=<folder> OPERATOR_KEY=… MASTER_KEY=… node apart.ts`; each has been built.
 */
import { join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import * as z from "zod";
import { readBundle } from "../../standalone/bundle.ts";
import { workerOptions } from "../../standalone/host.ts";
import { withOutbound } from "../../standalone/outbound.ts";
import { newRuntimePath } from "../../standalone/runtime.ts";

const Settings = z.object({
  EDGE: z.string(),
  ROOMS: z.string(),
  OTHERS: z.string(),
  PORT: z.coerce.number(),
  DATA_DIR: z.string(),
  OPERATOR_KEY: z.string(),
  MASTER_KEY: z.string(),
});
const settings = Settings.parse(process.env);
const entrypoint = "edge";
/** Objects are found by the name of their script, so each keeps its name whatever build it is of. */
const scripts = { edge: settings.EDGE, rooms: settings.ROOMS, others: settings.OTHERS } as const;
type Script = keyof typeof scripts;

const runtime = newRuntimePath();
if (runtime !== undefined) process.env["MINIFLARE_WORKERD_PATH"] ??= runtime;
const workers = [script("edge"), script("rooms"), script("others")].flatMap((worker) => withOutbound(worker, false));
const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    logRequests: false,
    log: new Log(LogLevel.NONE),
    handleStructuredLogs: ({ message }) => console.log(message),
    resourcePersistencePath: settings.DATA_DIR,
    // The way out is the same for all of them.
    workers: workers.filter(({ name }, index) => workers.findIndex((other) => other.name === name) === index),
  }),
);
const { port } = await miniflare.unsafeGetDirectURL("edge", entrypoint);
console.log(`ready http://127.0.0.1:${port}`);

function script(name: Script) {
  const folder = join(scripts[name], "dist");
  const bundle = readBundle(folder);
  const { assets, ...options } = workerOptions(bundle, folder);
  const { OPERATOR_KEY, MASTER_KEY } = settings;
  const bindings = { ...bundle.vars, OPERATOR_KEY, MASTER_KEY, RUN_WORKER_FIRST: bundle.assets.runWorkerFirst };
  const isEdge = name === "edge";
  return {
    ...options,
    name,
    bindings,
    durableObjects: Object.fromEntries(
      bundle.objects.map(({ binding, className }) => [
        binding,
        { className, useSQLite: true, scriptName: className === "Room" ? "rooms" : "others" },
      ]),
    ),
    ...(isEdge ? { assets, unsafeDirectSockets: [{ host: "127.0.0.1", port: settings.PORT, entrypoint }] } : {}),
  };
}
