/** Makes `dist/client`: the client SDK as ES modules, and its declarations. Prints what a page loads of it. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { basename, join } from "node:path";
import { constants, brotliCompressSync } from "node:zlib";
import { build, type BuildOptions, type Plugin } from "esbuild";
import { projectFolder } from "./bundle.ts";

const source = join(projectFolder, "src", "client");
const folder = join(projectFolder, "dist", "client");

const shape = {
  entryPoints: [join(source, "client.ts"), join(source, "react", "react.ts")],
  outdir: folder,
  format: "esm",
  bundle: true,
  splitting: true,
  target: "es2022",
  chunkNames: "[name]-[hash]",
} satisfies BuildOptions;

/** What is imported when it is needed stays apart. */
const later: Plugin = {
  name: "later",
  setup(building) {
    building.onResolve({ filter: /./ }, ({ kind, path }) =>
      kind === "dynamic-import" ? { path, external: true } : null,
    );
  },
};

rmSync(folder, { recursive: true, force: true });
// Its two dependencies stay imports: whoever bundles a page has them once.
await build({ ...shape, packages: "external", sourcemap: true });
declare();
for (const [name, bytes] of Object.entries(await sizes())) console.log(`${name}: ${bytes} bytes brotli`);

/** What a page loads, minified, with its dependencies in it: `client` at once, the others when they are needed; `react` beside React. */
async function sizes(): Promise<Record<string, number>> {
  const entries = ["client", "http", "deeds", "stream", "upload", "eventLink", "react/react"];
  const found: Record<string, number> = {};
  for (const entry of entries) {
    const { outputFiles } = await build({
      ...shape,
      entryPoints: [join(source, `${entry}.ts`)],
      splitting: false,
      minify: true,
      write: false,
      // It comes beside the core, which has this already.
      external: ["react", "../nonce.ts"],
      plugins: [later],
    });
    const [{ contents } = { contents: new Uint8Array() }] = outputFiles;
    const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
    found[basename(entry)] = brotliCompressSync(contents, quality).byteLength;
  }
  return found;
}

function declare(): void {
  const tsc = join(projectFolder, "node_modules", ".bin", "tsc");
  const run = spawnSync(tsc, ["-p", join(source, "tsconfig.build.json")], { cwd: projectFolder, encoding: "utf8" });
  if (run.error) throw run.error;
  if (run.status === 0) return;
  console.error(`${run.stdout}${run.stderr}`);
  process.exitCode = 1;
}
