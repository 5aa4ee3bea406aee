/** A message that is written as it comes into being: text is appended, gathered while a piece is on its way, and finished. */
import { backoffMs } from "./backoff.ts";
import { networkError, ParleyError } from "./error.ts";
import { aborting, type Http } from "./http.ts";
import type { Ack } from "./outbox.ts";

export interface StreamOptions {
  readonly http: Http;
  readonly room: string;
  /** The beginning of the text, published already. */
  readonly text: string;
  readonly ack: Ack;
  readonly chance: () => number;
  readonly signal: AbortSignal;
}

/** `signal` ends it from without. */
export async function openStream(
  room: {
    readonly name: string;
    readonly http: () => Promise<Http>;
    readonly chance: () => number;
    readonly signal: AbortSignal;
  },
  ack: Ack,
  text = "",
  signal?: AbortSignal,
): Promise<MessageStream> {
  const { name, chance, signal: ending } = room;
  const either = signal === undefined ? ending : AbortSignal.any([signal, ending]);
  return new MessageStream({ http: await room.http(), room: name, text, ack, chance, signal: either });
}

/** A producer that says nothing for 30 s has gone; who only thinks says so. */
const leaseMs = 10_000;
/** Of one piece, in UTF-16 units: at most 3 bytes each. */
const pieceUnits = 16_384;

export class MessageStream {
  /** Ends when the message is stopped by somebody, or the stream by us: for what makes the text. */
  readonly signal: AbortSignal;
  readonly message: Ack;
  readonly #options: StreamOptions;
  readonly #stop = new AbortController();
  /** All of it: a server that lost its memory asks for what came after its checkpoint. */
  #text: string;
  /** How much of it the server has. */
  #at: number;
  #sending: Promise<void> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Why it ended before its time. */
  #error: { readonly reason: unknown } | null = null;
  #isOver = false;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#text = options.text;
    this.#at = options.text.length;
    this.signal = AbortSignal.any([this.#stop.signal, options.signal]);
    this.message = options.ack;
    const end = (): void => {
      clearTimeout(this.#timer);
      this.#fail(options.signal.reason);
    };
    this.signal.addEventListener("abort", end);
    if (options.signal.aborted) end();
    else this.#send();
  }

  get text(): string {
    return this.#text;
  }

  /** Adds to the text. Throws when it is over, with the reason if somebody else has ended it. */
  append(text: string): void {
    this.#throwIfEnded();
    if (this.#isOver) throw new ParleyError("stream_closed", "The stream has ended.");
    this.#text += text;
    this.#send();
  }

  /** The text is whole; with `text` in place of all that was appended. Rejects when it could not be ended. */
  finish(options: { readonly text?: string } = {}): Promise<void> {
    return this.#end("finish", { status: "sent", ...options });
  }

  /** What makes the text has failed: the message says so, and keeps what is there. */
  fail(): Promise<void> {
    return this.#end("finish", { status: "failed" });
  }

  /** It is not wanted any more. */
  cancel(reason?: string): Promise<void> {
    return this.#end("cancel", reason === undefined ? {} : { reason });
  }

  /** Somebody has stopped it. */
  cancelled(reason: string | undefined): void {
    this.#fail(new ParleyError("stream_cancelled", reason ?? "The stream was cancelled."));
  }

  async #end(how: "finish" | "cancel", body: object): Promise<void> {
    this.#throwIfEnded();
    if (this.#isOver) return;
    this.#isOver = true;
    if (how === "finish") await this.#drained();
    clearTimeout(this.#timer);
    this.#throwIfEnded();
    await this.#again(() => this.#call(how, body));
    this.#stop.abort(new ParleyError("stream_closed", "The stream has ended."));
  }

  async #drained(): Promise<void> {
    while (this.#at < this.#text.length && this.#error === null) {
      this.#send();
      await this.#sending;
    }
    await this.#sending;
  }

  /** One piece at a time: what comes meanwhile goes with the next. */
  #send(): void {
    if (this.#sending !== null || this.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#sending = this.#appendAll()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#sending = null;
        if (!this.signal.aborted && !this.#isOver) this.#timer = setTimeout(() => this.#renew(), leaseMs);
      });
  }

  async #appendAll(): Promise<void> {
    while (this.#at < this.#text.length) await this.#again(() => this.#append());
  }

  /** Nothing new, so that the server knows that somebody is still there. */
  #renew(): void {
    this.#sending ??= this.#again(() => this.#append())
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#sending = null;
        this.#send();
      });
  }

  async #append(): Promise<void> {
    const at = this.#at;
    try {
      const text = piece(this.#text, at);
      const { at: now } = await this.#call<{ readonly at: number }>("append", { at, text });
      this.#at = now;
    } catch (error) {
      if (!(error instanceof ParleyError) || error.code !== "stream_offset" || error.want === undefined) throw error;
      // It has less than we thought, or more: what was on its way when the answer was lost.
      this.#at = Math.min(error.want, this.#text.length);
    }
  }

  #call<Answer>(how: string, body: object): Promise<Answer> {
    const { http, room, signal } = this.#options;
    return http.call<Answer>("POST", `/v1/rooms/${room}/messages/${this.message.id}/${how}`, { body, signal });
  }

  /** Until it is done, or is refused for good. All three may be said twice. */
  async #again<T>(act: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await act();
      } catch (error) {
        if (!(error instanceof ParleyError) || !error.retryable || this.signal.aborted) throw error;
        await pause(error.retryAfterMs ?? backoffMs(attempt, this.#options.chance()), this.signal);
      }
    }
  }

  #throwIfEnded(): void {
    if (this.#error !== null) throw this.#error.reason;
  }

  #fail(error: unknown): void {
    if (this.#error !== null || this.#stop.signal.aborted) return;
    // Whoever gave it up hears their own reason.
    const isOwn = this.#options.signal.aborted || error instanceof ParleyError;
    this.#error = { reason: isOwn ? error : networkError(String(error), error) };
    this.#stop.abort(this.#error.reason);
  }
}

/** Not in the midst of a surrogate pair. */
function piece(text: string, at: number): string {
  const end = at + pieceUnits;
  const last = text.charCodeAt(end - 1);
  return text.slice(at, last >= 0xd800 && last <= 0xdbff ? end - 1 : end);
}

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const passing = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  return aborting(passing, signal).finally(() => clearTimeout(timer));
}
