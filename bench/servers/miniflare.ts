/** Hosts one worker file on workerd through Miniflare's API, as `npm start` hosts Parley: `miniflare.ts <worker file> <data folder>`. */
import { basename } from "node:path";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { newRuntimePath } from "../../standalone/runtime.ts";

const [file, dataFolder] = process.argv.slice(2);
if (file === undefined || dataFolder === undefined) throw new Error("usage: miniflare.ts <worker file> <data folder>");

// The runtime and the way in that `npm start` has: what differs is the worker alone.
const runtime = newRuntimePath();
if (runtime !== undefined) process.env["MINIFLARE_WORKERD_PATH"] ??= runtime;
const name = basename(file, ".worker.ts");
const miniflare = new Miniflare(
  convertV4MiniflareOptions({
    name,
    host: "127.0.0.1",
    port: 0,
    cf: false,
    telemetry: { enabled: false },
    // The names of version 4 (`durableObjectsPersist`) are accepted and ignored: data would go to the system's temporary folder.
    resourcePersistencePath: dataFolder,
    compatibilityDate: "2026-08-15",
    modules: [{ type: "ESModule", path: "worker.js", contents: await bundle(file) }],
    compatibilityFlags: ["no_web_socket_compression"],
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    durableObjects: { Room: { className: "Room", useSQLite: true } },
  }),
);

process.once("SIGTERM", () => void miniflare.dispose().then(() => process.exit(0)));
await miniflare.ready;
const url = await miniflare.unsafeGetDirectURL(name);
console.log(`ready ${url.origin}`);

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "import"],
    external: ["cloudflare:*"],
  });
  return outputFiles[0]?.text ?? "";
}
