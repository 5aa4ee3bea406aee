/** `kill -9` while everybody publishes: what was acked must be there, once, in order, and whoever resumes must hold all of it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Message } from "../../src/protocol/message.ts";
import type { Server } from "../support/process.ts";
import { BatchPublisher, HttpPublisher, type Publication, type Publisher, SocketPublisher } from "./publisher.ts";
import { Reader } from "./reader.ts";
import { type LiveTenant, newToken, wholeHistory } from "./tenant.ts";

const rooms = 4;
const clientsPerRoom = 25;
const httpPublishersPerRoom = 2;
const batchPublishersPerRoom = 2;
/** Readers that were away for a while when the server died. */
const leaversPerRoom = 2;
const earliestMs = 400;
const latestMs = 2_400;
const settleMs = 30_000;

export interface KillOptions {
  readonly server: Server;
  readonly tenant: LiveTenant;
  readonly seed: number;
}

export interface KillReport {
  readonly seed: number;
  readonly afterMs: number;
  readonly acked: number;
  /** Acked, and not in history as acked and as sent. */
  readonly lost: number;
  /** Nonces that are in history more than once. */
  readonly duplicated: number;
  /** Messages whose id is not the one after their neighbour's, or not their seq. */
  readonly outOfOrder: number;
  readonly resent: number;
  /** Of those: stored already, though no ack had come. */
  readonly storedBefore: number;
  /** All that was ever sent and is in the end in history exactly once. */
  readonly storedOnce: number;
  readonly readers: number;
  /** Readers that did not hold the history in the end. */
  readonly differing: number;
  /** One line for each thing that must not be. Empty is a pass. */
  readonly violations: readonly string[];
}

export async function killScenario({ server, tenant, seed }: KillOptions): Promise<KillReport> {
  const random = randomFrom(seed);
  const crowds = await Promise.all(
    Array.from({ length: rooms }, (_, index) => gather(tenant, `kill-${seed}-${index}`)),
  );
  for (const { publishers } of crowds) for (const publisher of publishers) publisher.begin();
  const afterMs = Math.round(earliestMs + random() * (latestMs - earliestMs));
  const leaveMs = Math.round(afterMs * random());
  await sleep(leaveMs);
  for (const { leavers } of crowds) for (const leaver of leavers) leaver.cut();
  await sleep(afterMs - leaveMs);
  await server.kill();
  await Promise.all(crowds.flatMap(({ publishers }) => publishers.map((publisher) => publisher.halt())));
  await server.start();
  const found = await Promise.all(crowds.map((crowd) => inspect(tenant, crowd)));
  return total(seed, afterMs, found);
}

interface Crowd {
  readonly room: string;
  readonly publishers: readonly Publisher[];
  readonly readers: readonly Reader[];
  readonly leavers: readonly Reader[];
}

async function gather(tenant: LiveTenant, room: string): Promise<Crowd> {
  const join = async (user: string): Promise<Reader> =>
    new Reader({ tenant, room, token: await newToken(tenant, user) });
  const talkers = await Promise.all(Array.from({ length: clientsPerRoom }, (_, index) => join(`user-${index}`)));
  const leavers = await Promise.all(Array.from({ length: leaversPerRoom }, (_, index) => join(`leaver-${index}`)));
  const readers = [...talkers, ...leavers];
  // One after another: the first of them makes the room.
  for (const reader of readers) await reader.open();
  const publishers = [
    ...talkers.map((reader, index) => new SocketPublisher(reader, `user-${index}`)),
    ...Array.from({ length: httpPublishersPerRoom }, (_, index) => new HttpPublisher(tenant, room, `http-${index}`)),
    ...Array.from({ length: batchPublishersPerRoom }, (_, index) => new BatchPublisher(tenant, room, `batch-${index}`)),
  ];
  return { room, publishers, readers, leavers };
}

type Found = Omit<KillReport, "seed" | "afterMs">;

async function inspect(tenant: LiveTenant, { room, publishers, readers }: Crowd): Promise<Found> {
  const survived = await wholeHistory(tenant, room);
  const acked = publishers.flatMap((publisher) => publisher.acked);
  const lost = acked.filter((publication) => !isStored(publication, survived[(publication.ack?.id ?? 0) - 1]));
  const torn = publishers.flatMap(({ batches = [] }) => batches).filter((batch) => !isWhole(batch, survived));
  await Promise.all(readers.map((reader) => reader.open()));
  const resumed = readers.map((reader) => reader.copy.faultsBeside(survived));
  const storedBefore = new Set(survived.map(keyOf));
  const resent = (await Promise.all(publishers.map((publisher) => publisher.resend(settleMs)))).flat();
  const wronglyAnswered = resent.filter(
    (publication) => publication.duplicate !== storedBefore.has(keyOf(publication)),
  );
  const history = await wholeHistory(tenant, room);
  const counts = countBy(history.map(keyOf));
  const sent = publishers.flatMap((publisher) => publisher.sent);
  const missing = sent.filter((publication) => counts.get(keyOf(publication)) !== 1);
  await Promise.all(readers.map((reader) => reader.until(() => reader.copy.seq >= history.length, settleMs)));
  const inTheEnd = readers.map((reader) => reader.copy.faultsBeside(history));
  const broken = outOfOrder(history);
  const copies = [...counts.values()].reduce((sum, count) => sum + count - 1, 0);
  for (const reader of readers) reader.close();
  return {
    acked: acked.length,
    lost: lost.length,
    duplicated: copies,
    outOfOrder: broken.length,
    resent: resent.length,
    storedBefore: resent.filter(({ duplicate }) => duplicate).length,
    storedOnce: sent.length - missing.length,
    readers: readers.length,
    differing: readers.filter((_, index) => [...(resumed[index] ?? []), ...(inTheEnd[index] ?? [])].length > 0).length,
    violations: [
      ...lost.map(({ user, nonce, ack }) => `${room}: ${user} ${nonce} was acked as ${ack?.id} and is lost`),
      ...broken.map((message) => `${room}: message ${message.id} of seq ${message.seq} is out of order`),
      ...torn.map((batch) => `${room}: the batch of ${batch[0]?.nonce} is stored in part, or apart`),
      ...wronglyAnswered.map(
        ({ user, nonce, duplicate }) => `${room}: ${user} ${nonce} was answered duplicate: ${duplicate}`,
      ),
      ...missing.map((lone) => `${room}: ${lone.user} ${lone.nonce} is stored ${counts.get(keyOf(lone)) ?? 0} times`),
      ...(copies > 0 || history.length !== sent.length
        ? [`${room}: ${history.length} are stored, ${sent.length} were sent`]
        : []),
      ...resumed.flat().map((fault) => `${room}: resumed: ${fault}`),
      ...inTheEnd.flat().map((fault) => `${room}: in the end: ${fault}`),
    ],
  };
}

/** As it was acked and as it was sent. */
function isStored({ user, nonce, text, ack }: Publication, message: Message | undefined): boolean {
  return (
    message !== undefined &&
    message.id === ack?.id &&
    (ack.seq === undefined || message.seq === ack.seq) &&
    message.sender?.id === user &&
    message.nonce === nonce &&
    message.text === text
  );
}

/** All of it side by side, or nothing. */
function isWhole(batch: readonly Publication[], history: readonly Message[]): boolean {
  const keys = batch.map(keyOf);
  const from = history.findIndex((message) => keys.includes(keyOf(message)));
  return (
    from < 0 || keys.every((key, index) => history[from + index] !== undefined && keyOf(history[from + index]!) === key)
  );
}

/** Nothing but messages was published, so the ids count from 1 without a hole, and each is its seq. */
function outOfOrder(history: readonly Message[]): Message[] {
  return history.filter(({ id, seq }, index) => id !== index + 1 || seq !== id);
}

function keyOf(from: Message | Publication): string {
  return `${"sender" in from ? (from.sender?.id ?? "") : from.user} ${from.nonce}`;
}

function countBy(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

function total(seed: number, afterMs: number, found: readonly Found[]): KillReport {
  const sum = (of: (room: Found) => number): number => found.reduce((all, room) => all + of(room), 0);
  return {
    seed,
    afterMs,
    acked: sum(({ acked }) => acked),
    lost: sum(({ lost }) => lost),
    duplicated: sum(({ duplicated }) => duplicated),
    outOfOrder: sum((room) => room.outOfOrder),
    resent: sum(({ resent }) => resent),
    storedBefore: sum(({ storedBefore }) => storedBefore),
    storedOnce: sum(({ storedOnce }) => storedOnce),
    readers: sum(({ readers }) => readers),
    differing: sum(({ differing }) => differing),
    violations: found.flatMap(({ violations }) => violations),
  };
}

/** mulberry32: the same moments for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
