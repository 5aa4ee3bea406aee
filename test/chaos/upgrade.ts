/** An earlier version of the project writes, is killed, and today's goes on with its data; and the other way round it says no. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Server, startServer } from "../support/process.ts";
import { judge, type Verdict } from "./oracle.ts";
import { HttpPublisher } from "./publisher.ts";
import { ask, type LiveTenant, wholeHistory } from "./tenant.ts";

export interface UpgradeReport extends Verdict {
  readonly commit: string;
  /** Sent again to today's version, without an ack from the earlier one. */
  readonly resent: number;
}

const root = join(import.meta.dirname, "../..");
const publishers = 8;
const publishMs = 3_000;

/** `commit`: as git knows it, for example `HEAD~100`. It is built with the packages of today. */
export async function upgradeScenario(commit: string): Promise<UpgradeReport> {
  const folder = mkdtempSync(join(tmpdir(), "parley-upgrade-"));
  const project = join(folder, "project");
  const dataDir = join(folder, "data");
  let server: Server | undefined;
  run("git", "worktree", "add", "--detach", project, commit);
  try {
    run("cp", "-al", join(root, "node_modules"), project);
    server = await startServer({ project, dataDir });
    const tenant = await newTenant(server);
    const crowd = Array.from({ length: publishers }, (_, index) => new HttpPublisher(tenant, "room", `user-${index}`));
    for (const publisher of crowd) publisher.begin();
    await sleep(publishMs);
    await server.kill();
    await Promise.all(crowd.map((publisher) => publisher.halt()));
    const port = `${server.port}`;
    server = await startServer({ dataDir, env: { PORT: port } });
    const resent = (await Promise.all(crowd.map((publisher) => publisher.resend()))).flat();
    const history = await wholeHistory(tenant, "room");
    const verdict = judge({ room: "room", sent: crowd.flatMap(({ sent }) => sent), history, witnesses: [] });
    return { ...verdict, commit, resent: resent.length };
  } finally {
    await server?.remove();
    run("git", "worktree", "remove", "--force", project);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** With limits that every version knows. */
async function newTenant({ url, operatorKey }: Server): Promise<LiveTenant> {
  const limits = { publishPerUserPerSecond: 1_000, publishPerUserBurst: 2_000 };
  const body = { id: "upgraded", name: "Upgraded", limits };
  const made = { method: "POST", credential: operatorKey, body };
  const { key } = await ask<{ key: { secret: string } }>(`${url}/v1/tenants`, made);
  return { url, key: key.secret };
}

function run(program: string, ...words: string[]): void {
  const { status, stderr } = spawnSync(program, words, { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${words.join(" ")}: ${stderr}`);
}
