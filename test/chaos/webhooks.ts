/**
 * `kill -9` between the commit and the delivery of webhook events, under load: every event that was committed arrives, none that was
 * not, under the same id each time, and a room's events in order.
 */
import { cpSync, globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { formatCursor, parseCursor } from "../../src/protocol/cursor.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { Delivery } from "../../src/protocol/webhook.ts";
import { dice } from "../support/dice.ts";
import type { Server } from "../support/process.ts";
import type { Received, Receiver, SentEvent } from "../support/receiver.ts";
import { HttpPublisher } from "./publisher.ts";
import { ask, call, type LiveTenant, wholeHistory } from "./tenant.ts";

const rooms = 4;
const publishersPerRoom = 4;
/** Before the moment is drawn at which the server dies. */
const warmUp = 200;
const latestMs = 1_000;

export interface WebhookKillOptions {
  readonly server: Server;
  readonly receiver: Receiver;
  readonly tenant: LiveTenant;
  readonly seed: number;
  /**
   * What was on its way to the receiver when the server died is sent again when its time, half a minute, is over. Who does not
   * wait as long sees that it is going to be.
   */
  readonly patienceMs: number;
}

export interface WebhookKillReport {
  readonly seed: number;
  readonly afterMs: number;
  /** Changes that were stored when the server was back: each is one event. */
  readonly committed: number;
  /** Of their events, those that waited in the rooms when the server was dead, and those that had arrived when it was back. */
  readonly inRooms: number;
  readonly arrivedBefore: number;
  /** Neither arrived nor listed as one that will be attempted again. */
  readonly missing: number;
  /** Not arrived yet. */
  readonly awaited: number;
  /** Arrived, and not as it is stored. */
  readonly phantoms: number;
  /** Arrived more than once. */
  readonly repeated: number;
  readonly settledMs: number;
  /** One line for each thing that must not be. Empty is a pass. */
  readonly violations: readonly string[];
}

export async function webhookKillScenario({
  server,
  receiver,
  tenant,
  seed,
  patienceMs,
}: WebhookKillOptions): Promise<WebhookKillReport> {
  const random = dice(seed);
  const path = `kill-${seed}`;
  const names = Array.from({ length: rooms }, (_, index) => `hooked-${seed}:${index}`);
  const body = { url: receiver.url(path), events: ["message.*"], rooms: [`hooked-${seed}:*`] };
  const as = { credential: tenant.key };
  const made = await ask<{ webhook: { id: string } }>(`${tenant.url}/v1/webhooks`, { method: "POST", ...as, body });
  const publishers = names.flatMap((room) =>
    Array.from({ length: publishersPerRoom }, (_, index) => new HttpPublisher(tenant, room, `http-${index}`)),
  );
  for (const publisher of publishers) publisher.begin();
  const editors = names.map((room) => new Editor(tenant, room));
  while (publishers.reduce((sum, { acked }) => sum + acked.length, 0) < warmUp) await sleep(10);
  const afterMs = Math.round(random() * latestMs);
  await sleep(afterMs);
  await server.kill();
  const inRooms = waitingIn(server.dataDir);
  await Promise.all([...publishers, ...editors].map((writer) => writer.halt()));
  await server.start();
  const sinceMs = Date.now();
  const stored = await Promise.all(names.map((room) => read(tenant, room)));
  const arrivals = (): Arrival[] => receiver.at(path).map(arrivalOf);
  const committed = stored.flatMap(({ seqs }) => seqs);
  const arrivedBefore = new Set(arrivals().map(keyOf)).size;
  const missing = (): string[] => {
    const arrived = new Set(arrivals().map(keyOf));
    return committed.filter((key) => !arrived.has(key));
  };
  while (missing().length > 0 && Date.now() - sinceMs < patienceMs) await sleep(100);
  const listed = `${tenant.url}/v1/webhooks/${made.webhook.id}/deliveries?state=pending&limit=200`;
  const pending = await ask<{ items: Delivery[] }>(listed, as);
  const promised = new Set(
    pending.items.flatMap(({ events }) => events.map(({ id, room }) => `${room} ${id.split(":")[1]}`)),
  );
  const arrived = arrivals();
  const awaited = missing();
  const lost = awaited.filter((key) => !promised.has(key));
  const phantoms = arrived.filter((arrival) => !isStored(arrival, stored));
  const violations = [
    ...lost.map((key) => `${key} was committed and never arrived`),
    ...phantoms.map(({ event }) => `${event.room}: ${event.id} arrived and is not so stored`),
    ...faults(arrived),
  ];
  return {
    seed,
    afterMs,
    committed: committed.length,
    inRooms,
    arrivedBefore,
    missing: lost.length,
    awaited: awaited.length,
    phantoms: phantoms.length,
    repeated: arrived.length - new Set(arrived.map(keyOf)).size,
    settledMs: Date.now() - sinceMs,
    violations,
  };
}

/** Events that lie in the outboxes of rooms, as it is on the disk. Read from a copy: nothing of the dead server's is touched. */
function waitingIn(dataDir: string): number {
  const copies = mkdtempSync(join(tmpdir(), "parley-chaos-"));
  try {
    cpSync(dataDir, copies, { recursive: true });
    return globSync(join(copies, "**/*.sqlite")).reduce((sum, file) => sum + waitingInFile(file), 0);
  } finally {
    rmSync(copies, { recursive: true, force: true });
  }
}

function waitingInFile(file: string): number {
  const database = new DatabaseSync(file);
  try {
    const isRoom = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'outbox_behind'").get() !== undefined;
    return isRoom ? Number(database.prepare("SELECT count(*) AS waiting FROM outbox").get()?.["waiting"] ?? 0) : 0;
  } finally {
    database.close();
  }
}

/** Edits the first message of a room again and again. */
class Editor {
  #going = true;
  readonly #loop: Promise<void>;

  constructor(tenant: LiveTenant, room: string) {
    this.#loop = this.#edit(`${tenant.url}/v1/rooms/${room}/messages/1`, tenant.key);
  }

  async halt(): Promise<void> {
    this.#going = false;
    await this.#loop;
  }

  async #edit(address: string, credential: string): Promise<void> {
    let count = 0;
    while (this.#going) {
      count++;
      await call(address, { method: "PATCH", credential, body: { text: `edited ${count}` } }).catch(() => undefined);
      await sleep(5);
    }
  }
}

interface Stored {
  readonly room: string;
  readonly epoch: string;
  readonly messages: readonly Message[];
  /** One key for each seq: nothing else is changed in these rooms, so each is an event. */
  readonly seqs: readonly string[];
}

async function read(tenant: LiveTenant, room: string): Promise<Stored> {
  const { cursor } = await ask<{ cursor: string }>(`${tenant.url}/v1/rooms/${room}/messages?limit=1`, {
    credential: tenant.key,
  });
  const { epoch, seq } = parseCursor(cursor) ?? { epoch: "", seq: 0 };
  const messages = await wholeHistory(tenant, room);
  return { room, epoch, messages, seqs: Array.from({ length: seq }, (_, index) => `${room} ${index + 1}`) };
}

interface Arrival {
  readonly event: SentEvent;
  readonly body: string;
  readonly webhookId: string;
  readonly attempt: number;
}

function arrivalOf({ body, headers }: Received): Arrival {
  const webhookId = headers["webhook-id"] ?? "";
  return { event: JSON.parse(body), body, webhookId, attempt: Number(headers["webhook-attempt"]) };
}

function keyOf({ event }: Arrival): string {
  return `${event.room} ${event.seq}`;
}

/** By its id it is a change of this history, and what it shows is there or came before what is there. */
function isStored({ event, webhookId }: Arrival, stored: readonly Stored[]): boolean {
  const home = stored.find(({ room }) => room === event.room);
  const message = event.data["message"] as Message;
  const now = home?.messages.find(({ id }) => id === message.id);
  if (home === undefined || now === undefined || event.seq === undefined || event.seq > home.seqs.length) return false;
  const id = `${formatCursor({ epoch: home.epoch, seq: event.seq })}:${event.type}`;
  const isCreation = event.type === "message.created" && message.id === event.seq;
  const isUpdate = event.type === "message.updated" && message.id === 1 && event.seq > 1;
  return (
    [event.id, webhookId].every((given) => given === id) &&
    (isCreation || isUpdate) &&
    message.nonce === now.nonce &&
    (message.id === 1 ? message.version <= now.version : message.text === now.text)
  );
}

/** What arrives again is the same to the letter; what arrives at the first attempt comes after what had happened before it. */
function faults(arrivals: readonly Arrival[]): string[] {
  const bodies = new Map<string, string>();
  const highest = new Map<string, number>();
  return arrivals.flatMap(({ event, body, attempt }) => {
    const { id, room, seq = 0 } = event;
    const before = bodies.get(id);
    if (before !== undefined) return before === body ? [] : [`${room}: ${id} arrived twice with other contents`];
    bodies.set(id, body);
    const last = highest.get(room ?? "") ?? 0;
    highest.set(room ?? "", Math.max(last, seq));
    return seq < last && attempt === 1 ? [`${room}: ${id} arrived first after ${last}`] : [];
  });
}
