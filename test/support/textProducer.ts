/** A producer of one streamed message over HTTP, as a server that asks a model is: it repeats what was lost, from where it is told. */
import { setTimeout as delay } from "node:timers/promises";

export interface TextProducerOptions {
  /** Of the server, without a trailing slash. */
  readonly url: string;
  readonly room: string;
  /** An API key. */
  readonly key: string;
  readonly user: string;
}

interface Answer {
  readonly status: number;
  readonly body: {
    readonly at?: number;
    readonly code?: string;
    readonly want?: number;
    readonly retryAfterMs?: number;
    readonly message?: { readonly id: number; readonly status: string; readonly text: string | null } | null;
  };
}

const comeBackMs = 50;
const answerMs = 10_000;

export class TextProducer {
  /** The message's id. */
  id = 0;
  /** Of the text: so much the server has said to have. */
  at = 0;
  /** How often it was told to go on from elsewhere. */
  setBack = 0;
  /** Requests that were not answered. */
  lost = 0;
  readonly #options: TextProducerOptions;

  constructor(options: TextProducerOptions) {
    this.#options = options;
  }

  /** Begins with this text. */
  async begin(text = "", nonce: string = crypto.randomUUID()): Promise<number> {
    const { body, status } = await this.#insist("", { streaming: true, text, nonce });
    if (body.message === undefined || body.message === null) throw new Error(`no stream: ${status}`);
    this.id = body.message.id;
    this.at = text.length;
    return this.id;
  }

  /** Until the server has all of this, of which it may have a part. Answers what ended it, or null. */
  async bring(text: string): Promise<string | null> {
    while (this.at < text.length) {
      const { status, body } = await this.#insist(`/${this.id}/append`, { at: this.at, text: text.slice(this.at) });
      if (status === 200) this.at = body.at ?? 0;
      else if (body.code === "stream_offset") this.#goBack(body.want ?? 0);
      else if (body.code === "rate_limited") await delay(body.retryAfterMs ?? comeBackMs);
      else return body.code ?? String(status);
    }
    return null;
  }

  finish(end: { readonly status: string; readonly text?: string }): Promise<Answer> {
    return this.#insist(`/${this.id}/finish`, end);
  }

  /** Whatever becomes of the server meanwhile. */
  async #insist(path: string, body: object): Promise<Answer> {
    for (;;) {
      const answer = await this.#ask(path, body).catch(() => null);
      if (answer !== null && answer.status !== 503) return answer;
      this.lost += 1;
      await delay(comeBackMs);
    }
  }

  async #ask(path: string, body: object): Promise<Answer> {
    const { url, room, key, user } = this.#options;
    const response = await fetch(`${url}/v1/rooms/${room}/messages${path}`, {
      method: "POST",
      headers: { Authorization: `Bearer ${key}`, "Parley-User": user, "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(answerMs),
    });
    return { status: response.status, body: (await response.json()) as Answer["body"] };
  }

  #goBack(want: number): void {
    this.setBack += 1;
    this.at = want;
  }
}
