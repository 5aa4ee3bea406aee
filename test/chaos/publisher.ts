/** Clients that publish as fast as they are acked, and know afterwards what they sent and what they were promised. */
import { setTimeout as sleep } from "node:timers/promises";
import type { BatchAnswer } from "../../src/protocol/batch.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { Reader } from "./reader.ts";
import { call, type LiveTenant } from "./tenant.ts";

const inFlight = 5;
const batchSize = 20;

export interface Publication {
  readonly user: string;
  readonly nonce: string;
  readonly text: string;
  ack: { readonly id: number; readonly seq?: number | undefined } | undefined;
  /** Of the last answer. */
  duplicate: boolean;
}

export interface Publisher {
  readonly sent: readonly Publication[];
  readonly acked: readonly Publication[];
  /** What was sent to be stored together. */
  readonly batches?: readonly (readonly Publication[])[];
  begin(): void;
  /** Sends nothing more, and waits for the connection's end. */
  halt(): Promise<void>;
  /** Sends again, with the same nonces, what no ack has come for. Gives what it sent, answered. */
  resend(withinMs: number): Promise<Publication[]>;
}

/** Keeps five messages in flight on its socket. */
export class SocketPublisher implements Publisher {
  readonly sent: Publication[] = [];
  readonly #reader: Reader;
  readonly #user: string;
  readonly #byNonce = new Map<string, Publication>();
  #going = false;

  constructor(reader: Reader, user: string) {
    this.#reader = reader;
    this.#user = user;
    reader.onAck = ({ id, seq, duplicate }, ref) => {
      const publication = this.#byNonce.get(ref);
      if (publication === undefined) return;
      publication.ack = { id: id ?? 0, seq };
      publication.duplicate = duplicate ?? false;
      if (this.#going) this.#publishNext();
    };
  }

  get acked(): Publication[] {
    return this.sent.filter(({ ack }) => ack !== undefined);
  }

  begin(): void {
    this.#going = true;
    for (let count = 0; count < inFlight; count++) this.#publishNext();
  }

  async halt(): Promise<void> {
    await this.#reader.until(() => this.#reader.closedWith !== null);
    this.#going = false;
  }

  async resend(withinMs: number): Promise<Publication[]> {
    const unacked = this.sent.filter(({ ack }) => ack === undefined);
    for (const publication of unacked) this.#send(publication);
    await this.#reader.until(() => unacked.every(({ ack }) => ack !== undefined), withinMs);
    return unacked;
  }

  #publishNext(): void {
    const publication = compose(this.#user, this.sent.length);
    this.sent.push(publication);
    this.#byNonce.set(publication.nonce, publication);
    this.#send(publication);
  }

  #send({ nonce, text }: Publication): void {
    this.#reader.send({ type: "publish", ref: nonce, nonce, text });
  }
}

/** One request after another, each with an Idempotency-Key. */
export class HttpPublisher implements Publisher {
  readonly sent: Publication[] = [];
  readonly #tenant: LiveTenant;
  readonly #room: string;
  readonly #user: string;
  #going = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(tenant: LiveTenant, room: string, user: string) {
    this.#tenant = tenant;
    this.#room = room;
    this.#user = user;
  }

  get acked(): Publication[] {
    return this.sent.filter(({ ack }) => ack !== undefined);
  }

  begin(): void {
    this.#going = true;
    this.#loop = this.#publishOn();
  }

  async halt(): Promise<void> {
    this.#going = false;
    await this.#loop;
  }

  async resend(): Promise<Publication[]> {
    const unacked = this.sent.filter(({ ack }) => ack === undefined);
    for (const publication of unacked) await this.#post(publication);
    return unacked;
  }

  async #publishOn(): Promise<void> {
    while (this.#going) {
      const publication = compose(this.#user, this.sent.length);
      this.sent.push(publication);
      await this.#post(publication);
      // The server died under this request: perhaps stored.
      if (publication.ack === undefined) return;
      await sleep(1);
    }
  }

  /** Leaves it without an ack when the connection breaks; throws on a refusal. */
  async #post(publication: Publication): Promise<void> {
    const { user, nonce, text } = publication;
    const address = `${this.#tenant.url}/v1/rooms/${this.#room}/messages`;
    const headers = { "Idempotency-Key": nonce };
    const credential = this.#tenant.key;
    const answer = await call(address, { method: "POST", credential, user, headers, body: { text } })
      .then(async (response) => ({ status: response.status, body: await response.text() }))
      .catch(() => null);
    if (answer === null) return;
    if (answer.status >= 300) throw new Error(`${answer.status} ${answer.body}`);
    const { message }: { message: Message } = JSON.parse(answer.body);
    publication.ack = { id: message.id, seq: message.seq };
    publication.duplicate = answer.status === 200;
  }
}

/** One batch after another, each message with its nonce. */
export class BatchPublisher implements Publisher {
  readonly batches: Publication[][] = [];
  readonly #tenant: LiveTenant;
  readonly #room: string;
  readonly #user: string;
  #going = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(tenant: LiveTenant, room: string, user: string) {
    this.#tenant = tenant;
    this.#room = room;
    this.#user = user;
  }

  get sent(): Publication[] {
    return this.batches.flat();
  }

  get acked(): Publication[] {
    return this.sent.filter(({ ack }) => ack !== undefined);
  }

  begin(): void {
    this.#going = true;
    this.#loop = this.#publishOn();
  }

  async halt(): Promise<void> {
    this.#going = false;
    await this.#loop;
  }

  async resend(): Promise<Publication[]> {
    const unacked = this.batches.filter((batch) => batch.some(({ ack }) => ack === undefined));
    for (const batch of unacked) await this.#post(batch);
    return unacked.flat();
  }

  async #publishOn(): Promise<void> {
    while (this.#going) {
      const first = this.sent.length;
      const batch = Array.from({ length: batchSize }, (_, index) => compose(this.#user, first + index));
      this.batches.push(batch);
      await this.#post(batch);
      if (batch[0]?.ack === undefined) return;
      await sleep(1);
    }
  }

  async #post(batch: Publication[]): Promise<void> {
    const body = { messages: batch.map(({ nonce, text }) => ({ nonce, text })) };
    const address = `${this.#tenant.url}/v1/rooms/${this.#room}/messages:batch`;
    const answer = await call(address, { method: "POST", credential: this.#tenant.key, user: this.#user, body })
      .then(async (response) => ({ status: response.status, body: await response.text() }))
      .catch(() => null);
    if (answer === null) return;
    if (answer.status >= 300) throw new Error(`${answer.status} ${answer.body}`);
    const { messages }: BatchAnswer = JSON.parse(answer.body);
    for (const [index, { id, seq, duplicate }] of messages.entries())
      Object.assign(batch[index] ?? {}, { ack: { id, seq }, duplicate });
  }
}

/** Texts of different lengths, some with characters of several bytes. */
function compose(user: string, count: number): Publication {
  const nonce = `${user}-nonce-${count}`;
  return { user, nonce, text: `${nonce} ${"héllo 🌊 ".repeat((count * 7) % 23)}`, ack: undefined, duplicate: false };
}
