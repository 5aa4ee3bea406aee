/** Clients that publish as fast as they are acked, and know afterwards what they sent and what they were promised. */
import { setTimeout as sleep } from "node:timers/promises";
import type { BatchAnswer } from "../../src/protocol/batch.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { Reader } from "./reader.ts";
import { call, type LiveCall, type LiveTenant } from "./tenant.ts";

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

/** One request after another, each of so many messages, until one is not answered. */
abstract class RequestPublisher implements Publisher {
  protected readonly requests: Publication[][] = [];
  readonly #tenant: LiveTenant;
  readonly #room: string;
  readonly #user: string;
  readonly #size: number;
  #going = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(tenant: LiveTenant, room: string, user: string, size: number) {
    this.#tenant = tenant;
    this.#room = room;
    this.#user = user;
    this.#size = size;
  }

  get sent(): Publication[] {
    return this.requests.flat();
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
    const unacked = this.requests.filter((request) => request.some(({ ack }) => ack === undefined));
    for (const request of unacked) await this.post(request);
    return unacked.flat();
  }

  /** Leaves them without an ack when the connection breaks; throws on a refusal. */
  protected abstract post(request: readonly Publication[]): Promise<void>;

  /** Null when the connection breaks. */
  protected async ask(
    path: string,
    options: Pick<LiveCall, "headers" | "body">,
  ): Promise<{ readonly status: number; readonly body: string } | null> {
    const address = `${this.#tenant.url}/v1/rooms/${this.#room}/${path}`;
    const who = { credential: this.#tenant.key, user: this.#user };
    const answer = await call(address, { method: "POST", ...who, ...options })
      .then(async (response) => ({ status: response.status, body: await response.text() }))
      .catch(() => null);
    if (answer !== null && answer.status >= 300) throw new Error(`${answer.status} ${answer.body}`);
    return answer;
  }

  async #publishOn(): Promise<void> {
    while (this.#going) {
      const first = this.requests.length * this.#size;
      const request = Array.from({ length: this.#size }, (_, index) => compose(this.#user, first + index));
      this.requests.push(request);
      await this.post(request);
      // The server died under this request: perhaps stored.
      if (request[0]?.ack === undefined) return;
      await sleep(1);
    }
  }
}

/** Each message by itself, with an Idempotency-Key. */
export class HttpPublisher extends RequestPublisher {
  constructor(tenant: LiveTenant, room: string, user: string) {
    super(tenant, room, user, 1);
  }

  protected override async post(request: readonly Publication[]): Promise<void> {
    for (const publication of request) {
      const { nonce, text } = publication;
      const answer = await this.ask("messages", { headers: { "Idempotency-Key": nonce }, body: { text } });
      if (answer === null) return;
      const { message }: { message: Message } = JSON.parse(answer.body);
      publication.ack = { id: message.id, seq: message.seq };
      publication.duplicate = answer.status === 200;
    }
  }
}

/** One batch after another, each message with its nonce. */
export class BatchPublisher extends RequestPublisher {
  constructor(tenant: LiveTenant, room: string, user: string) {
    super(tenant, room, user, batchSize);
  }

  get batches(): readonly (readonly Publication[])[] {
    return this.requests;
  }

  protected override async post(request: readonly Publication[]): Promise<void> {
    const body = { messages: request.map(({ nonce, text }) => ({ nonce, text })) };
    const answer = await this.ask("messages:batch", { body });
    if (answer === null) return;
    const { messages }: BatchAnswer = JSON.parse(answer.body);
    for (const [index, { id, seq, duplicate }] of messages.entries())
      Object.assign(request[index] ?? {}, { ack: { id, seq }, duplicate });
  }
}

/** Texts of different lengths, some with characters of several bytes. */
function compose(user: string, count: number): Publication {
  const nonce = `${user}-nonce-${count}`;
  return { user, nonce, text: `${nonce} ${"héllo 🌊 ".repeat((count * 7) % 23)}`, ack: undefined, duplicate: false };
}
