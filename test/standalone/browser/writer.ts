/** A client that writes one message after another, each under one nonce until it is acked. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Message } from "../../../src/protocol/message.ts";
import { call, type LiveTenant } from "../../chaos/tenant.ts";

const ackMs = 20_000;
const pauseMs = 30;
/** Each tenth message is sent once more after its ack, as if that had been lost. */
const repeatEvery = 10;

export class Writer {
  readonly room: string;
  /** Ids by nonce. */
  readonly acked = new Map<string, number>();
  /** The highest id acked. */
  head = 0;
  /** How often a connection broke under a message. */
  broken = 0;
  /** How often an ack said that the message was there already. */
  duplicates = 0;
  readonly #tenant: LiveTenant;
  readonly #user: string;
  #going = true;
  #loop = Promise.resolve();

  constructor(tenant: LiveTenant, room: string, user: string) {
    this.#tenant = tenant;
    this.room = room;
    this.#user = user;
  }

  begin(): void {
    this.#loop = this.#writeOn();
  }

  /** Waits for the last ack. */
  async halt(): Promise<void> {
    this.#going = false;
    await this.#loop;
  }

  async #writeOn(): Promise<void> {
    while (this.#going) {
      const count = this.acked.size + 1;
      const nonce = `${this.#user}-nonce-${count}`;
      await this.#writeUntilAcked(nonce);
      if (count % repeatEvery === 0) await this.#writeUntilAcked(nonce);
      await sleep(pauseMs);
    }
  }

  async #writeUntilAcked(nonce: string): Promise<void> {
    const deadlineMs = Date.now() + ackMs;
    while (!(await this.#write(nonce))) {
      if (Date.now() > deadlineMs) throw new Error(`${nonce} was not acked within ${ackMs} ms`);
      this.broken += 1;
      await sleep(pauseMs);
    }
  }

  /** False when the connection broke: perhaps stored. Throws on a refusal. */
  async #write(nonce: string): Promise<boolean> {
    const answer = await call(`${this.#tenant.url}/v1/rooms/${this.room}/messages`, {
      method: "POST",
      credential: this.#tenant.key,
      user: this.#user,
      headers: { "Idempotency-Key": nonce },
      body: { text: nonce },
    })
      .then(async (response) => ({ status: response.status, body: await response.text() }))
      .catch(() => null);
    if (answer === null) return false;
    if (answer.status >= 300) throw new Error(`${answer.status} ${answer.body}`);
    const { message }: { message: Message } = JSON.parse(answer.body);
    this.acked.set(nonce, message.id);
    this.head = Math.max(this.head, message.id);
    if (answer.status === 200) this.duplicates += 1;
    return true;
  }
}
