/** Conversations: each place is a room, in which one after the other types, speaks and is heard by all; now and then one is cut and comes back. */
import type { Client } from "./client.ts";
import { comeBack, gather, settle } from "./crowd.ts";
import { delay, type Ground, isOver, roomOf, type Scenario } from "./ground.ts";
import { heldLive } from "./thresholds.ts";

const turnMs = 400;
/** That the same user types is told once a second at most. */
const typingMs = 1_500;
/** Of so many turns one says it twice, and one is said while somebody is away. */
const repeatEvery = 5;
const cutEvery = 7;

export const chat: Scenario = {
  sizes: { users: 50, perPlace: 5, seconds: 60 },
  thresholds: { ...heldLive, parley_resumed: ["count>0"] },
  play,
};

async function play(ground: Ground): Promise<void> {
  const room = `${roomOf(ground, "chat")}-${ground.place}`;
  const clients = await gather(ground, () => room);
  for (let turn = 1; !isOver(ground); turn++) {
    const [speaker, other] = [clients[turn % clients.length], clients[(turn + 1) % clients.length]];
    if (speaker === undefined || other === undefined) break;
    if (turn % cutEvery === 0 && other !== speaker) await speakWithout(ground, speaker, other);
    else await speak(ground, speaker, other);
    if (turn % repeatEvery === 0) await speaker.repeat();
    await delay(ground, turnMs * Math.random() * 2);
  }
  await settle(ground, clients);
}

async function speak(ground: Ground, speaker: Client, other: Client): Promise<void> {
  const isNews = Date.now() - speaker.typedAtMs > typingMs;
  const before = other.typing.get(speaker.user) ?? 0;
  if (isNews) speaker.type(true);
  if (isNews && other !== speaker) {
    const isTold = await other.until(() => (other.typing.get(speaker.user) ?? 0) > before);
    ground.check("others hear that one types", isTold);
  }
  await speaker.say("what somebody says in a chat");
  if (isNews) speaker.type(false);
}

async function speakWithout(ground: Ground, speaker: Client, other: Client): Promise<void> {
  other.drop();
  await speaker.say("what is said while another is away");
  ground.check("who was cut comes back", await comeBack(ground, other, 200));
  ground.check("who comes back has what was said meanwhile", other.seq >= speaker.seq);
}
