/** What it costs others that a million messages go: p99 from publishing to hearing in that room and beside it, in turn (SPEC D4). */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { median, percentile } from "../bench/percentile.ts";
import { House, type Tenant } from "./house.ts";
import { Speaker, steadily } from "./speaker.ts";

const messages = 1_000_000;
const kept = 10_000;
const pairs = 5;
const measuredMs = 6_000;
/** In which what was booked before comes to its end, or begins. */
const settlingMs = 500;
/** How long the rest is watched; to see all of it go takes `RETENTION_REST_MS=3600000`. */
const restMs = Number(process.env["RETENTION_REST_MS"] ?? 20_000);
const speakersPerRoom = 5;
const everyMs = 50;
const limits = { publishPerRoomPerSecond: 1_000, publishPerUserPerSecond: 100 };

export async function retention(): Promise<string> {
  const house = await House.open();
  try {
    const tenant = await house.newTenant("old", limits);
    await tenant.publish("full", "the first");
    await house.whileStopped((folder) => fill(folder));
    const rooms = [await speakersOf(house, tenant, "full"), await speakersOf(house, tenant, "beside")];
    await p99sOf(rooms);
    const ratios: [number[], number[]] = [[], []];
    const worst: [number[], number[]] = [[], []];
    let removed = 0;
    for (let pair = 0; pair < pairs; pair++) {
      await tenant.configure("full", { retentionMessages: 0 });
      await delay(settlingMs);
      const without = await p99sOf(rooms);
      const before = await tenant.oldest("full");
      await tenant.configure("full", { retentionMessages: kept });
      await delay(settlingMs);
      const during = await p99sOf(rooms);
      removed += (await tenant.oldest("full")) - before;
      for (const room of [0, 1] as const) {
        ratios[room].push(during[room] / without[room]);
        worst[room].push(during[room]);
      }
    }
    // The rest of it, to its end.
    const sinceMs = performance.now();
    const before = await tenant.oldest("full");
    let longest = [0, 0];
    while ((await tenant.countOf("full")) > 2 * kept && performance.now() - sinceMs < restMs) {
      const during = await p99sOf(rooms);
      longest = longest.map((ms, room) => Math.max(ms, during[room as 0 | 1]));
    }
    const rest = (await tenant.oldest("full")) - before;
    const perSecond = rest / ((performance.now() - sinceMs) / 1_000);
    for (const speaker of rooms.flat()) speaker.leave();
    const told = (room: 0 | 1): string =>
      `p99 ratios ${ratios[room].map((ratio) => ratio.toFixed(2)).join(", ")}, median ${median(ratios[room]).toFixed(2)} (${median(worst[room]).toFixed(1)} ms)`;
    return `in the room ${told(0)}; beside it ${told(1)}; ${removed + rest} of ${messages} removed, ${perSecond.toFixed(0)} a second, worst p99 of the rest ${longest.map((ms) => ms.toFixed(1)).join(" and ")} ms`;
  } finally {
    await house.close();
  }
}

async function speakersOf(house: House, tenant: Tenant, room: string): Promise<Speaker[]> {
  return Promise.all(
    Array.from({ length: speakersPerRoom }, async (_, index) =>
      Speaker.enter(house.socketUrl(room), await tenant.token(`u_${index}`)),
    ),
  );
}

/** Of each room. */
async function p99sOf(rooms: readonly (readonly Speaker[])[]): Promise<[number, number]> {
  for (const speaker of rooms.flat()) speaker.heardMs.length = 0;
  const all = rooms.flat();
  const stops = all.map((speaker, index) => steadily(speaker, { everyMs, afterMs: (index * everyMs) / all.length }));
  await delay(measuredMs);
  for (const stop of stops) stop();
  await delay(200);
  const [one = 0, other = 0] = rooms.map((speakers) =>
    percentile(
      speakers.flatMap(({ heardMs }) => heardMs).toSorted((a, b) => a - b),
      0.99,
    ),
  );
  return [one, other];
}

/** Writes the room's messages into its database as the room would have: a million over HTTP would take an hour. */
function fill(folder: string): void {
  const database = new DatabaseSync(roomFileIn(folder));
  database.exec("BEGIN");
  const insert = database.prepare(
    `INSERT INTO message (id, seq, version, sender, nonce, digest, text, replies, status, created_at)
     VALUES (?1, ?1, 1, ?2, ?3, zeroblob(8), ?4, 0, 'sent', ?5)`,
  );
  const text = "what somebody said in a chat, of about the length of what people say in one. ".repeat(2);
  const nowMs = Date.now();
  for (let id = 2; id <= messages; id++)
    insert.run(id, `u_${id % 50}`, crypto.randomUUID(), text, nowMs - (messages - id) * 1_000);
  database.exec("COMMIT");
  database.close();
}

function roomFileIn(folder: string): string {
  const rooms = join(folder, "do", "parley-Room");
  const name = readdirSync(rooms).find((file) => /^[0-9a-f]{64}\.sqlite$/.test(file));
  if (name === undefined) throw new Error("the room has no file");
  return join(rooms, name);
}
