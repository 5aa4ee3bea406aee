/**
 * Everybody is cut at the same moment and comes back as clients do, after a chance part of the time that the server asked for;
 * meanwhile their rooms go on. A place is a room. How long it took them to have caught up is counted from the cut on.
 */
import { call } from "./call.ts";
import type { Client } from "./client.ts";
import { comeBack, gather, settle } from "./crowd.ts";
import { type Ground, roomOf, type Scenario } from "./ground.ts";
import { heldLive } from "./thresholds.ts";

/** Said in each room while nobody is there, and by some of them before and afterwards. */
const meanwhile = 5;
const speakers = 3;

/** How long somebody waits for an ack while all of them come in is no promise. */
const { parley_ack_ms: _ack, parley_heard_ms: _heard, ...storming } = heldLive;

export const storm: Scenario = {
  /** Of the seconds up to the first half is for coming in. */
  sizes: { users: 5_000, perPlace: 100, seconds: 120 },
  thresholds: { ...storming, parley_resumed: ["count>0"], parley_caught_up_ms: ["max<30000"] },
  play,
};

async function play(ground: Ground): Promise<void> {
  const { sinceMs, sizes } = ground;
  const room = `${roomOf(ground, "storm")}-${ground.place}`;
  const cutMs = sinceMs + (sizes.seconds / 2) * 1_000;
  const clients = await gather(ground, () => room);
  await speakAll(clients);
  ground.check("all are in before the cut", Date.now() < cutMs);
  await ground.meet(cutMs);
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
