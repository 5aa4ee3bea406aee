/** `kill -9` while everybody publishes: what was acked must be there, once, in order, and whoever resumes must hold all of it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Message } from "../../src/protocol/message.ts";
import { dice } from "../support/dice.ts";
import type { Server } from "../support/process.ts";
import { countBy, judge, keyOf, sumOf, type Verdict } from "./oracle.ts";
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

export interface KillReport extends Verdict {
  readonly seed: number;
  readonly afterMs: number;
  readonly resent: number;
  /** Of those: stored already, though no ack had come. */
  readonly storedBefore: number;
  /** All that was ever sent and is in the end in history exactly once. */
  readonly storedOnce: number;
}

export async function killScenario({ server, tenant, seed }: KillOptions): Promise<KillReport> {
  const random = dice(seed);
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
  const sent = publishers.flatMap((publisher) => publisher.sent);
  const torn = publishers.flatMap(({ batches = [] }) => batches).filter((batch) => !isWhole(batch, survived));
  await Promise.all(readers.map((reader) => reader.open()));
  const witnesses = readers.map(({ copy }, index) => ({
    name: `reader ${index}`,
    told: null,
    faultsBeside: (history: readonly Message[]) => copy.faultsBeside(history),
  }));
  const atFirst = judge({ room, sent: sent.map((publication) => ({ ...publication })), history: survived, witnesses });
  const storedBefore = new Set(survived.map(keyOf));
  const resent = (await Promise.all(publishers.map((publisher) => publisher.resend(settleMs)))).flat();
  const wronglyAnswered = resent.filter(
    (publication) => publication.duplicate !== storedBefore.has(keyOf(publication)),
  );
  const history = await wholeHistory(tenant, room);
  const counts = countBy(history.map(keyOf));
  const missing = sent.filter((publication) => counts.get(keyOf(publication)) !== 1);
  await Promise.all(readers.map((reader) => reader.until(() => reader.copy.seq >= history.length, settleMs)));
  const inTheEnd = judge({ room, sent, history, witnesses });
  for (const reader of readers) reader.close();
  return {
    ...inTheEnd,
    acked: atFirst.acked,
    lost: Math.max(atFirst.lost, inTheEnd.lost),
    differing: Math.max(atFirst.differing, inTheEnd.differing),
    resent: resent.length,
    storedBefore: resent.filter(({ duplicate }) => duplicate).length,
    storedOnce: sent.length - missing.length,
    violations: [
      ...atFirst.violations.map((fault) => `resumed: ${fault}`),
      ...inTheEnd.violations.map((fault) => `in the end: ${fault}`),
      ...torn.map((batch) => `${room}: the batch of ${batch[0]?.nonce} is stored in part, or apart`),
      ...wronglyAnswered.map(
        ({ user, nonce, duplicate }) => `${room}: ${user} ${nonce} was answered duplicate: ${duplicate}`,
      ),
      ...missing.map((lone) => `${room}: ${lone.user} ${lone.nonce} is stored ${counts.get(keyOf(lone)) ?? 0} times`),
      ...(history.length !== sent.length ? [`${room}: ${history.length} are stored, ${sent.length} were sent`] : []),
    ],
  };
}

/** All of it side by side, or nothing. */
function isWhole(batch: readonly Publication[], history: readonly Message[]): boolean {
  const keys = batch.map(keyOf);
  const from = history.findIndex((message) => keys.includes(keyOf(message)));
  return (
    from < 0 || keys.every((key, index) => history[from + index] !== undefined && keyOf(history[from + index]!) === key)
  );
}

function total(seed: number, afterMs: number, found: readonly Found[]): KillReport {
  const sum = (of: (room: Found) => number): number => found.reduce((all, room) => all + of(room), 0);
  return {
    ...sumOf(found),
    seed,
    afterMs,
    resent: sum(({ resent }) => resent),
    storedBefore: sum(({ storedBefore }) => storedBefore),
    storedOnce: sum(({ storedOnce }) => storedOnce),
  };
}
