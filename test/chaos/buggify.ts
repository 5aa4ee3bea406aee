/**
 * A server whose objects lose their memory by chance, in the midst of what they do: between two statements of a flush, after its
 * commit, while an answer is on its way. The Worker that does so is a variant that is built for this and run by tests alone.
 */
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { asAsked } from "../support/failing.ts";
import { type Server, startServer } from "../support/process.ts";
import { variantOf } from "../support/variant.ts";
import { Swarm, type SwarmReport } from "./swarm.ts";
import { makeTenant } from "./tenant.ts";

export interface BuggifyOptions {
  readonly seed: number;
  /** How long everybody publishes. */
  readonly ms: number;
  readonly hurry?: boolean;
}

export interface BuggifyReport extends SwarmReport {
  readonly seed: number;
  /** How often an object was reset, and where. */
  readonly resets: Readonly<Record<string, number>>;
}

/** Until the server is there, and everybody has come. */
const startMs = 8_000;
const settleMs = 65_000;
const place = "this.#engine = assemble(ctx, env2, this.name);";

export async function buggifyScenario({ seed, ms, hurry = false }: BuggifyOptions): Promise<BuggifyReport> {
  const untilMs = Date.now() + startMs + ms;
  const project = variantOf(place, `(${sabotage})(ctx, ${seed}, ${untilMs}, ${JSON.stringify(asAsked)}); ${place}`);
  const server = await startServer({ project });
  try {
    const tenant = await makeTenant(server, "buggify");
    const rooms = [1, 2].map((number) => `buggify-${seed}-${number}`);
    const swarm = await Swarm.gather({
      tenant,
      url: server.url,
      rooms,
      socketClients: 4,
      eventClients: 2,
      rawReaders: 3,
      everyMs: 60,
    });
    try {
      swarm.begin();
      await sleep(Math.max(1_000, untilMs - Date.now()));
      swarm.halt();
      return { ...(await swarm.settle({ withinMs: settleMs, hurry })), seed, resets: resetsIn(server) };
    } finally {
      await swarm.disperse();
    }
  } finally {
    await server.remove();
    rmSync(project, { recursive: true, force: true });
  }
}

function resetsIn({ log }: Server): Record<string, number> {
  const resets: Record<string, number> = {};
  for (const line of log) {
    const where = /^buggify (\w+)$/.exec(line)?.[1];
    if (where !== undefined) resets[where] = (resets[where] ?? 0) + 1;
  }
  return resets;
}

/** Runs in the Worker, where nothing of this file is known. A room lives for some hundred statements, or so many commits. */
function sabotage(ctx: DurableObjectState, seed: number, untilMs: number, reason: string): void {
  const lives = Reflect.get(globalThis, "lives") ?? 0;
  Reflect.set(globalThis, "lives", lives + 1);
  let state = (seed + lives * 0x9e3779b9) | 0;
  const random = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const { storage } = ctx;
  const { sql } = storage;
  const end = (where: string): void => {
    if (Date.now() > untilMs) return;
    console.log(`buggify ${where}`);
    ctx.abort(reason);
  };
  const exec = sql.exec.bind(sql);
  const transactionSync = storage.transactionSync.bind(storage);
  const sync = storage.sync.bind(storage);
  let statements = Math.floor(40 + random() * 400);
  let commits = Math.floor(5 + random() * 30);
  Object.defineProperty(sql, "exec", {
    value: (...given: Parameters<typeof exec>) => {
      if (--statements === 0) end("statement");
      return exec(...given);
    },
  });
  Object.defineProperty(storage, "transactionSync", {
    value: (body: () => unknown) => {
      const answer = transactionSync(body);
      if (--commits === 0) end("commit");
      return answer;
    },
  });
  Object.defineProperty(storage, "sync", {
    value: async () => {
      await sync();
      if (random() < 0.004) end("synced");
    },
  });
}
