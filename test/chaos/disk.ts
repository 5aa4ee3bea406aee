/**
 * A disk that fills up under a server, and is given more space: what was acked is there, is read meanwhile, and all goes on by
 * itself. It takes root, because the disk is a small one in memory that is mounted for this.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Message } from "../../src/protocol/message.ts";
import { startServer } from "../support/process.ts";
import { judge, type Verdict } from "./oracle.ts";
import type { Publication } from "./publisher.ts";
import { call, type LiveTenant, makeTenant, wholeHistory } from "./tenant.ts";

export interface DiskReport extends Verdict {
  readonly refused: number;
  /** How often each code was said while the disk was full. */
  readonly codes: Readonly<Record<string, number>>;
  /** Until a message was taken after there was space again. */
  readonly backAfterMs: number;
}

const room = "full";
const user = "ada";
const triesWhileFull = 20;
const backMs = 30_000;

export async function diskScenario(): Promise<DiskReport> {
  const disk = mkdtempSync(join(tmpdir(), "parley-disk-"));
  mount("-t", "tmpfs", "-o", "size=12m", "none", disk);
  const server = await startServer({ dataDir: join(disk, "data") });
  try {
    const tenant = await makeTenant(server, "disk");
    const sent: Publication[] = [];
    const codes: Record<string, number> = {};
    for (let refused = 0; refused < triesWhileFull;) {
      const code = await publish(tenant, sent);
      if (code === null) continue;
      codes[code] = (codes[code] ?? 0) + 1;
      refused += 1;
    }
    const violations = await whatIsNotRead(tenant, sent);
    mount("-o", "remount,size=64m", disk);
    const sinceMs = Date.now();
    while ((await publish(tenant, sent)) !== null && Date.now() - sinceMs < backMs) await sleep(100);
    const backAfterMs = Date.now() - sinceMs;
    const verdict = judge({ room, sent, history: await wholeHistory(tenant, room), witnesses: [] });
    if (backAfterMs >= backMs) violations.push("nothing is taken though there is space again");
    violations.push(...verdict.violations);
    return { ...verdict, violations, codes, refused: triesWhileFull, backAfterMs };
  } finally {
    await server.remove();
    spawnSync("umount", ["--lazy", disk]);
    rmSync(disk, { recursive: true, force: true });
  }
}

/** What it was refused for, or null. */
async function publish(tenant: LiveTenant, sent: Publication[]): Promise<string | null> {
  const nonce = `full-nonce-${sent.length}`;
  const said: Publication = { user, nonce, text: `${nonce} ${"x".repeat(4_000)}`, ack: undefined, duplicate: false };
  sent.push(said);
  const body = { nonce, text: said.text };
  const address = `${tenant.url}/v1/rooms/${room}/messages`;
  const answer = await call(address, { method: "POST", credential: tenant.key, user, body });
  const told = await answer.json<{ message?: Message; code?: string }>();
  if (told.message === undefined) return told.code ?? `${answer.status}`;
  said.ack = { id: told.message.id, seq: told.message.seq };
  return null;
}

/** While it is full: the disk may have taken what was never acked, but all that was is read. */
async function whatIsNotRead(tenant: LiveTenant, sent: readonly Publication[]): Promise<string[]> {
  const history = await wholeHistory(tenant, room);
  return [...judge({ room, sent, history, witnesses: [] }).violations];
}

function mount(...words: string[]): void {
  const { status, stderr } = spawnSync("mount", words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`the disk of this test could not be mounted: ${stderr}`);
}
