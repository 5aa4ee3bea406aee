/** One room that many read: one socket in fifty speaks once a second, and all hear all of it. */
import { gather, settle } from "./crowd.ts";
import { delay, type Ground, isOver, roomOf, type Scenario } from "./ground.ts";
import { heldLive } from "./thresholds.ts";

const everyMs = 1_000;

export const fanOut: Scenario = {
  sizes: { users: 300, perPlace: 50, seconds: 60 },
  thresholds: heldLive,
  play,
};

async function play(ground: Ground): Promise<void> {
  const room = roomOf(ground, "hall");
  const clients = await gather(ground, () => room);
  while (!isOver(ground)) {
    await clients[0]?.say("what one says to a hall");
    await delay(ground, everyMs);
  }
  await settle(ground, clients);
}
