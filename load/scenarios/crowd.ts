/** The clients of a place: they come in, and at the end all of them must have heard all. */
import { stateOf, tokenOf } from "./call.ts";
import { Client } from "./client.ts";
import { delay, type Ground, usersHere } from "./ground.ts";

const atOnce = 10;
const attempts = 8;
const pauseMs = 250;
const pauseMsMax = 5_000;

/** As many as the place has users; `roomFor` says which room each is in, counted over all places. */
export async function gather(ground: Ground, roomFor: (index: number) => string): Promise<Client[]> {
  const clients: Client[] = [];
  const first = ground.place * ground.sizes.perPlace;
  await inGroups(usersHere(ground), async (at) => {
    const user = `u_${first + at}`;
    const client = new Client(ground, { room: roomFor(first + at), user, token: await tokenOf(ground, user) });
    clients[at] = client;
    if (!(await comeBack(ground, client, 0))) throw new Error(`${user} was not let in`);
  });
  return clients;
}

/** Enters, after a chance part of `jitterMs` and, where it was not let in, again after pauses that double. */
export async function comeBack(ground: Ground, client: Client, jitterMs: number): Promise<boolean> {
  await delay(ground, Math.random() * jitterMs);
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (await client.enter()) return true;
    await delay(ground, Math.min(pauseMsMax, pauseMs * 2 ** attempt) * (0.5 + Math.random() / 2));
  }
  return false;
}

/** All that was said in their rooms must have come to each, and then they leave. */
export async function settle(ground: Ground, clients: readonly Client[]): Promise<void> {
  await Promise.all(clients.map((client) => client.rest()));
  const heads = new Map<string, number>();
  for (const { room } of clients) if (!heads.has(room)) heads.set(room, (await stateOf(ground, room)).head);
  await Promise.all(
    clients.map(async (client) => {
      const head = heads.get(client.room) ?? 0;
      ground.check("all stand at the head in the end", await client.catchUp(head));
      client.settle(head);
      client.leave();
    }),
  );
}

export async function inGroups(count: number, work: (index: number) => Promise<void>): Promise<void> {
  for (let from = 0; from < count; from += atOnce)
    await Promise.all(Array.from({ length: Math.min(atOnce, count - from) }, (_, at) => work(from + at)));
}
