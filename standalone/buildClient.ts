/** Makes `dist/client`: the client SDK as ES modules, and its declarations. Prints what a page loads of it. */
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { constants, brotliCompressSync } from "node:zlib";
import { build, type BuildOptions, type OutputFile, type Plugin } from "esbuild";
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

// Its two dependencies stay imports: whoever bundles a page has them once.
const { outputFiles: files } = await build({ ...shape, packages: "external", sourcemap: true, write: false });
replaceBy(files);
declare();
for (const [name, bytes] of Object.entries(await sizes())) console.log(`${name}: ${bytes} bytes brotli`);

/** File by file, and then what is left of earlier ones: a program that runs may load a part of it at any moment. */
function replaceBy(made: readonly OutputFile[]): void {
  for (const { path, contents } of made) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.new`, contents);
    renameSync(`${path}.new`, path);
  }
  const paths = new Set(made.map(({ path }) => path));
  for (const old of globSync("**/*.{js,map}", { cwd: folder }))
    if (!paths.has(join(folder, old))) rmSync(join(folder, old), { force: true });
}

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
