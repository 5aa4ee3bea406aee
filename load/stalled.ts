/** What ten of thirty readers cost the others when they stop reading: p99 from publishing to hearing, five pairs in turn (SPEC O5). */
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { WebSocket } from "ws";
import { median, percentile } from "../bench/percentile.ts";
import { newSocket } from "../bench/socket.ts";
import { House } from "./house.ts";
import { Listener } from "./listener.ts";
import { Speaker, steadily } from "./speaker.ts";

const pairs = 5;
const speakers = 4;
const listeners = 16;
const stallers = 10;
const everyMs = 50;
/** Some 10 MB for each reader: more than the kernel keeps for one, and the megabyte beyond it at which a room cuts. */
const measuredMs = 8_000;
const words = ` ${"0123456789abcdef".repeat(1_000)}`;

export async function stalled(): Promise<string> {
  const house = await House.open();
  try {
    const limits = { publishPerUserPerSecond: 100, publishPerUserBurst: 200, socketsPerUser: 100 };
    const tenant = await house.newTenant("hall", limits);
    const url = house.socketUrl("hall");
    const talking = await Promise.all(
      Array.from({ length: speakers }, async (_, at) => Speaker.enter(url, await tenant.token(`u_${at}`), words)),
    );
    const reading = await tenant.token("reader");
    const listening = await Promise.all(Array.from({ length: listeners }, () => Listener.enter(url, reading)));
    const ratios: number[] = [];
    const worst: number[] = [];
    const cut = new Map<number, number>();
    await p99Of(talking);
    for (let pair = 0; pair < pairs; pair++) {
      const stalling = await Promise.all(Array.from({ length: stallers }, () => enter(url, reading, cut)));
      const without = await p99Of(talking);
      for (const socket of stalling) socket.pause();
      const beside = await p99Of(talking);
      ratios.push(beside / without);
      worst.push(beside);
      for (const socket of stalling) socket.resume();
      await delay(1_000);
      for (const socket of stalling) socket.terminate();
    }
    for (const one of [...talking, ...listening]) one.leave();
    const codes = [...cut].map(([code, times]) => `${code} (${times} times)`).join(", ");
    const shown = ratios.map((ratio) => ratio.toFixed(2)).join(", ");
    return `p99 ratios ${shown}, median ${median(ratios).toFixed(2)}; p99 beside it ${median(worst).toFixed(1)} ms; of ${pairs * stallers} who stopped, closed with ${codes}`;
  } finally {
    await house.close();
  }
}

async function enter(url: string, token: string, cut: Map<number, number>): Promise<WebSocket> {
  const socket = newSocket(url, ["parley.v1", `bearer.${token}`]);
  socket.on("error", () => undefined);
  // Those that we end ourselves have no code of the server's.
  socket.on("close", (code) => code !== 1006 && cut.set(code, (cut.get(code) ?? 0) + 1));
  await once(socket, "open", { signal: AbortSignal.timeout(15_000) });
  socket.send('{"type":"ping"}');
  return socket;
}

async function p99Of(talking: readonly Speaker[]): Promise<number> {
  for (const speaker of talking) speaker.heardMs.length = 0;
  const stops = talking.map((speaker, at) => steadily(speaker, { everyMs, afterMs: (at * everyMs) / speakers }));
  await delay(measuredMs);
  for (const stop of stops) stop();
  await delay(300);
  return percentile(
    talking.flatMap(({ heardMs }) => heardMs).toSorted((a, b) => a - b),
    0.99,
  );
}
