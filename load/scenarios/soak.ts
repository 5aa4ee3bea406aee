/** Half an hour of people who come and go: every minute a fifth of them is cut and comes back. What the server holds must stay as it is. */
import type { Client } from "./client.ts";
import { comeBack, gather, settle } from "./crowd.ts";
import { delay, type Ground, isOver, roomOf, type Scenario } from "./ground.ts";
import { heldLive } from "./thresholds.ts";

const perRoom = 25;
const stepMs = 1_000;
const churnPerMinute = 0.2;
const saysPerMinute = 3;
/** How long somebody stays away at most. */
const awayMs = 5_000;

export const soak: Scenario = {
  sizes: { users: 500, perPlace: 10, seconds: 1_800 },
  thresholds: { ...heldLive, parley_resumed: ["count>0"] },
  play,
};

async function play(ground: Ground): Promise<void> {
  const rooms = Math.ceil(ground.sizes.users / perRoom);
  const clients = await gather(ground, (index) => `${roomOf(ground, "soak")}-${index % rooms}`);
  /** What each is at, if it is at anything. */
  const busy = new Map<Client, Promise<void>>();
  while (!isOver(ground)) {
    const idle = clients.filter((client) => !busy.has(client));
    for (const client of idle) {
      const deed = deedOf(ground, client);
      if (deed !== null)
        busy.set(
          client,
          deed.finally(() => busy.delete(client)),
        );
    }
    await delay(ground, stepMs);
  }
  await Promise.all(busy.values());
  await settle(ground, clients);
}

function deedOf(ground: Ground, client: Client): Promise<void> | null {
  const minutes = stepMs / 60_000;
  // A server that cut somebody is counted where it happened; who was cut comes back like everybody else.
  if (!client.isOpen || Math.random() < churnPerMinute * minutes) return comeAndGo(ground, client);
  return Math.random() < saysPerMinute * minutes ? client.say("what is said now and then") : null;
}

async function comeAndGo(ground: Ground, client: Client): Promise<void> {
  if (Math.random() < 0.5) client.leave();
  else client.drop();
  ground.check("who goes comes back", await comeBack(ground, client, awayMs));
}
