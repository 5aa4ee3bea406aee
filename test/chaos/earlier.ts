/** Earlier versions of the project, built with the packages of today, and a tenant as every version knows it. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Server } from "../support/process.ts";
import { ask, type LiveTenant } from "./tenant.ts";

const root = resolve(import.meta.dirname, "../..");

export class Earlier {
  /** As git knows it, for example `HEAD~100`. */
  readonly commit: string;
  readonly project: string;
  /** A folder for data, removed with the rest. */
  readonly dataDir: string;
  readonly #folder: string;

  /** Throws where git does not have the commit, as in a clone without its history. */
  constructor(commit: string) {
    this.commit = commit;
    this.#folder = mkdtempSync(join(tmpdir(), "parley-earlier-"));
    this.project = join(this.#folder, "project");
    this.dataDir = join(this.#folder, "data");
    mkdirSync(this.project);
    const files = execFileSync("git", ["archive", commit], { cwd: root, maxBuffer: 256 * 1_024 * 1_024 });
    execFileSync("tar", ["-x", "-C", this.project], { input: files });
    // The same files under other names: what is installed is found from where it lies.
    execFileSync("cp", ["-al", join(root, "node_modules"), this.project]);
    buildIn(this.project);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Gives the project of today, built. */
export function today(): string {
  buildIn(root);
  return root;
}

export async function plainTenant({ url, operatorKey }: Pick<Server, "url" | "operatorKey">): Promise<LiveTenant> {
  const limits = {
    publishPerUserPerSecond: 1_000,
    publishPerUserBurst: 2_000,
    publishPerRoomPerSecond: 10_000,
    publishPerRoomBurst: 20_000,
    publishPerTenantPerSecond: 20_000,
    publishPerTenantBurst: 40_000,
  };
  const body = { id: "plain", name: "Plain", limits };
  const made = { method: "POST", credential: operatorKey, body };
  const { key } = await ask<{ key: { secret: string } }>(`${url}/v1/tenants`, made);
  return { url, key: key.secret };
}

function buildIn(project: string): void {
  execFileSync(process.execPath, [join(project, "standalone", "build.ts")], { cwd: project, stdio: "pipe" });
}
