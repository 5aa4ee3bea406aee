/**
 * Everybody is cut at the same moment and comes back as clients do, after a chance part of the time that the server asked for;
 * meanwhile their rooms go on. A place is a room. How long it took them to have caught up is counted from the cut on.
 */
import { call } from "./call.ts";
import type { Client } from "./client.ts";
import { comeBack, gather, settle } from "./crowd.ts";
import { delay, type Ground, roomOf, type Scenario } from "./ground.ts";
import { heldLive } from "./thresholds.ts";

/** Said in each room while nobody is there, and by some of them before and afterwards. */
const meanwhile = 5;
const speakers = 3;

export const storm: Scenario = {
  /** Of the seconds the first half is for coming in, and a second for what is said before. */
  sizes: { users: 5_000, perPlace: 100, seconds: 120 },
  thresholds: { ...heldLive, parley_resumed: ["count>0"], parley_caught_up_ms: ["p(99)<30000", "max<30000"] },
  play,
};

async function play(ground: Ground): Promise<void> {
  const { sinceMs, sizes } = ground;
  const room = `${roomOf(ground, "storm")}-${ground.place}`;
  const cutMs = sinceMs + (sizes.seconds / 2) * 1_000;
  const clients = await gather(ground, () => room);
  ground.check("all are in before the cut", Date.now() < cutMs - 1_000);
  await delay(ground, Math.max(0, cutMs - 1_000 - Date.now()));
  await speakAll(clients);
  await delay(ground, Math.max(0, cutMs - Date.now()));
  for (const client of clients) client.drop();
  const sinceCutMs = Date.now();
  for (let said = 0; said < meanwhile; said++)
    await call(ground, { method: "POST", path: `/v1/rooms/${room}/messages`, body: { text: `${Date.now()}` } });
  await Promise.all(
    clients.map(async (client) => {
      ground.check("all come back", await comeBack(ground, client, client.jitterMs));
      ground.add("parley_caught_up_ms", Date.now() - sinceCutMs);
    }),
  );
  await speakAll(clients);
  await settle(ground, clients);
}

async function speakAll(clients: readonly Client[]): Promise<void> {
  await Promise.all(clients.slice(0, speakers).map((client) => client.say("what is said around a storm")));
}
