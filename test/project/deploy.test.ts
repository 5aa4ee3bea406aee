/** What Cloudflare's deploy button reads of this repository, and what a first deployment takes: of a clone alone, without a login. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { expect, test } from "vitest";
import { type Unstable_Config, unstable_readConfig } from "wrangler";

const root = join(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const manifest: {
  readonly repository?: { readonly url: string };
  readonly scripts: Readonly<Record<string, string>>;
  readonly cloudflare: { readonly bindings: Readonly<Record<string, { readonly description: string }>> };
} = JSON.parse(read("package.json"));

const configOf = (env: string): Unstable_Config =>
  unstable_readConfig({ config: join(root, "wrangler.toml"), env }, { hideWarnings: true });
const deployed = configOf("");
const staging = configOf("staging");

test("[H18] every object has a migration that makes it, with SQLite, and is exported", () => {
  const made = deployed.migrations.flatMap(({ new_sqlite_classes }) => new_sqlite_classes ?? []);
  expect(made.toSorted()).toEqual(deployed.durable_objects.bindings.map(({ class_name }) => class_name).toSorted());
  const exported = [...read("src/index.ts").matchAll(/^export \{ (\w+) \} from/gm)].map(([, name]) => name);
  expect(exported.toSorted()).toEqual(made.toSorted());
});

test("[H18] the button's form asks for every secret and variable by name, each with what to put in, and with no secret of ours", () => {
  const secrets = parseEnv(read(".dev.vars.example"));
  expect(secrets).toEqual({ MASTER_KEY: "", OPERATOR_KEY: "" });
  const asked = [...Object.keys(secrets), ...Object.keys(deployed.vars), "UPLOADS"];
  expect(Object.keys(manifest.cloudflare.bindings).toSorted()).toEqual(asked.toSorted());
  for (const { description } of Object.values(manifest.cloudflare.bindings))
    expect(description).toMatch(/^[A-Z1`].+\.$/);
  expect(deployed.r2_buckets).toEqual([{ binding: "UPLOADS", bucket_name: "parley-uploads" }]);
});

test("[H18] staging is bound to the same, and shares nothing", () => {
  const shape = ({ vars, assets, durable_objects }: Unstable_Config): unknown => [vars, assets, durable_objects];
  expect(shape(staging)).toEqual(shape(deployed));
  const names = ({ name, r2_buckets, ratelimits }: Unstable_Config): string[] => [
    name ?? "",
    ...r2_buckets.map(({ bucket_name }) => bucket_name ?? ""),
    ...ratelimits.map(({ namespace_id }) => namespace_id),
  ];
  expect(names(staging)).toHaveLength(names(deployed).length);
  expect(names(staging).filter((name) => names(deployed).includes(name))).toEqual([]);
});

test("[H18] `npm run deploy` deploys what the button provisions, all but the upload without a login", () => {
  const [build, deploy = ""] = (manifest.scripts["deploy"] ?? "").split(" && ");
  expect([build, manifest.scripts["build"]?.startsWith(`${build} &&`)]).toEqual(["node standalone/build.ts", true]);
  const home = mkdtempSync(join(tmpdir(), "parley-deploy-"));
  try {
    // Of the command itself nothing but what it may write is another: the bundle of this project is not touched.
    const folder = join(home, "public");
    mkdirSync(folder);
    writeFileSync(join(folder, "index.html"), "");
    const said = execFileSync("sh", ["-c", `${deploy} --dry-run --outdir '${home}/out' --assets '${folder}'`], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        PATH: `${root}/node_modules/.bin:${process.env["PATH"]}`,
        HOME: home,
        CLOUDFLARE_API_TOKEN: "",
        WRANGLER_SEND_METRICS: "false",
        WRANGLER_LOG_PATH: join(home, "logs"),
        WRANGLER_HIDE_BANNER: "true",
        CLOUDFLARE_CF_FETCH_ENABLED: "false",
        NO_COLOR: "1",
      },
    });
    const bound = [...said.matchAll(/^env\.(\w+)/gm)].map(([, name]) => name);
    expect(bound).toEqual(
      expect.arrayContaining(["ROOM", "TENANT", "UPLOADS", "ASSETS", "GENERATION", "CLIENT_ADDRESS_HEADER"]),
    );
    expect(said).toContain("--dry-run: exiting now.");
  } finally {
    rmSync(home, { recursive: true });
  }
});

test("[H18] the README and the guide show the same button: of package.json's `repository`, or where there is none, of one's own", () => {
  const button =
    /\[!\[Deploy to Cloudflare\]\(https:\/\/deploy\.workers\.cloudflare\.com\/button\)\]\(https:\/\/deploy\.workers\.cloudflare\.com\/\?url=(\S+?)\)/g;
  const address = manifest.repository?.url.replace(/^git\+|\.git$/g, "") ?? "https://github.com/YOU/parley";
  for (const page of ["README.md", "docs/deploy.md"])
    expect([page, ...[...read(page).matchAll(button)].map(([, url]) => url)]).toEqual([page, address]);
  // A button that leads nowhere is shown as text, one that works as a button.
  const fence = /^```md\n\[!\[Deploy to Cloudflare\]/m;
  expect(fence.test(read("README.md"))).toBe(manifest.repository === undefined);
});
