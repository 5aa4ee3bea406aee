/** What somebody who floods costs the others: p99 from publishing to hearing, with and without him, five pairs in turn. */
import { setTimeout as delay } from "node:timers/promises";
import { median, percentile } from "../bench/percentile.ts";
import { House, type Tenant } from "./house.ts";
import { Speaker, steadily } from "./speaker.ts";

const pairs = 5;
const measuredMs = 4_000;
/** In which a tenant spends the burst that is its own, and rooms what they took in advance: what is refused begins after it. */
const spendingMs = 1_500;
const neighbours = 10;
const neighbourMs = 100;

/** A flood by one client; a tenant that wants ten times its quota; the same beside one that takes just its quota. */
export type Trouble = "flood" | "quota" | "excess";

export async function besides(trouble: Trouble): Promise<string> {
  const house = await House.open();
  try {
    const calm = await house.newTenant("calm", { publishPerRoomPerSecond: 1_000 });
    const wild = await house.newTenant("wild", trouble === "flood" ? {} : { publishPerTenantPerSecond: 50 });
    const others = await Promise.all(
      Array.from({ length: neighbours }, async (_, index) =>
        Speaker.enter(house.socketUrl(`room-${index % 2}`), await calm.token(`u_${index}`)),
      ),
    );
    const start = trouble === "flood" ? flood(house, wild) : await overQuota(house, wild, 200);
    const before = trouble === "excess" ? await overQuota(house, wild, 2_000) : null;
    await p99Of(others);
    const ratios: number[] = [];
    const worst: number[] = [];
    let told = "";
    for (let pair = 0; pair < pairs; pair++) {
      const stopBefore = before?.();
      await delay(spendingMs);
      const without = await p99Of(others);
      await stopBefore?.();
      const stop = start();
      await delay(spendingMs);
      const beside = await p99Of(others);
      told = await stop();
      ratios.push(beside / without);
      worst.push(beside);
      await delay(500);
    }
    for (const other of others) other.leave();
    const shown = ratios.map((ratio) => ratio.toFixed(2)).join(", ");
    return `p99 ratios ${shown}, median ${median(ratios).toFixed(2)}; p99 beside it ${median(worst).toFixed(1)} ms, at worst ${Math.max(...worst).toFixed(1)} ms; ${told}`;
  } finally {
    await house.close();
  }
}

async function p99Of(speakers: readonly Speaker[]): Promise<number> {
  for (const speaker of speakers) speaker.heardMs.length = 0;
  const stops = speakers.map((speaker, index) =>
    steadily(speaker, { everyMs: neighbourMs, afterMs: (index * neighbourMs) / speakers.length }),
  );
  await delay(measuredMs);
  for (const stop of stops) stop();
  await delay(200);
  return percentile(
    speakers.flatMap(({ heardMs }) => heardMs).toSorted((a, b) => a - b),
    0.99,
  );
}

/** Makes trouble until what it returns is called, which tells what became of it. */
type Start = () => () => Promise<string>;

/** One client that sends 10,000 frames a second, is closed for it, and comes back at once to go on. */
function flood(house: House, tenant: Tenant): Start {
  const closedWith = new Map<number, number>();
  return () => {
    const over = new AbortController();
    const ended = floodUntil(house, tenant, { over: over.signal, closedWith });
    return async () => {
      over.abort();
      await ended;
      return `the flood was closed with ${[...closedWith].map(([code, times]) => `${code} (${times} times)`).join(", ")}`;
    };
  };
}

async function floodUntil(
  house: House,
  tenant: Tenant,
  { over, closedWith }: { readonly over: AbortSignal; readonly closedWith: Map<number, number> },
): Promise<void> {
  const token = await tenant.token("eve");
  while (!over.aborted) {
    const eve = await Speaker.enter(house.socketUrl("den"), token);
    while (!over.aborted && eve.closedWith === null) {
      eve.publish(50);
      await delay(5);
    }
    if (eve.closedWith !== null) closedWith.set(eve.closedWith, (closedWith.get(eve.closedWith) ?? 0) + 1);
    eve.leave();
    // A client that obeys would wait longer.
    await delay(250);
  }
}

/** A tenant that may store 50 messages a second, with a hundred users in ten rooms none of whom does anything wrong. */
async function overQuota(house: House, tenant: Tenant, everyMs: number): Promise<Start> {
  const users = 100;
  const speakers: Speaker[] = [];
  for (let user = 0; user < users; user++)
    speakers.push(await Speaker.enter(house.socketUrl(`den-${user % 10}`), await tenant.token(`u_${everyMs}_${user}`)));
  const sum = (of: (speaker: Speaker) => number): number => speakers.reduce((total, each) => total + of(each), 0);
  return () => {
    const stops = speakers.map((speaker, index) => steadily(speaker, { everyMs, afterMs: (index * everyMs) / users }));
    return async () => {
      for (const stop of stops) stop();
      return `of the tenant's ${sum(({ acked, refused }) => acked + refused)} messages ${sum(({ refused }) => refused)} were refused`;
    };
  };
}
