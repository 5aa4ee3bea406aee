/** Brings what the outbox holds to the server: over the room's socket where there is one, else over HTTP, one by one. */
import type { Message } from "../protocol/message.ts";
import { newRef } from "./attendance.ts";
import { fromFrame, networkError, ParleyError } from "./error.ts";
import type { Http } from "./http.ts";
import type { Addressed, Link } from "./link.ts";
import { type Ack, type Entry, Outbox, type OutboxLimits } from "./outbox.ts";

export interface PublisherOptions {
  readonly room: string;
  readonly http: () => Promise<Http>;
  readonly limits: OutboxLimits;
  /** Where to send now; null for nowhere yet. */
  readonly way: () => Link | "http" | null;
  /** One at a time: the room makes everyone wait between two. */
  readonly isSlow: () => boolean;
  readonly chance: () => number;
  readonly onState: (entry: Entry) => void;
  /** Of the client: its reason is the ParleyError `closed`. */
  readonly signal: AbortSignal;
}

/** Of a frame, with the room's name and all that is around the content. */
const frameBytesMax = 65_536 - 512;

export class Publisher {
  readonly outbox: Outbox;
  readonly #options: PublisherOptions;
  /** What was said over the socket, by the ref of its answer. */
  readonly #asked = new Map<string, Entry>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** One is being chosen, or is on its way over HTTP: it must not be overtaken. */
  #isBusy = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.outbox = new Outbox(options.limits, options.onState);
    options.signal.addEventListener("abort", () => {
      clearTimeout(this.#timer);
      this.outbox.fail(options.signal.reason as ParleyError);
    });
  }

  /** `signal` gives up what has not been sent yet. */
  publish(content: Entry["content"], nonce: string, signal: AbortSignal | undefined): Promise<Ack> {
    const text = JSON.stringify(content);
    const bytes = new TextEncoder().encode(text).length;
    const refusal = this.#refusal(bytes);
    if (refusal !== null) return Promise.reject(refusal);
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    // As it is now: what the author does with it later must not be sent under the same nonce.
    const said = JSON.parse(text) as Entry["content"];
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        if (this.outbox.withdraw(entry)) failed(signal?.reason);
      };
      const done = (ack: Ack): void => {
        signal?.removeEventListener("abort", abort);
        resolve(ack);
      };
      const failed = (error: unknown): void => {
        signal?.removeEventListener("abort", abort);
        reject(error);
      };
      const entry: Entry = {
        nonce,
        content: said,
        bytes,
        createdAt: Date.now(),
        state: "queued",
        isOpen: false,
        refusals: 0,
        done,
        failed,
      };
      signal?.addEventListener("abort", abort);
      this.outbox.add(entry);
      this.pump();
    });
  }

  /** Sends what may be sent now. */
  pump(): void {
    clearTimeout(this.#timer);
    const { way, isSlow } = this.#options;
    for (;;) {
      const link = way();
      if (link === null || this.#isBusy) return;
      // Whoever hears of it may publish more, which must not be sent before it.
      this.#isBusy = true;
      const next = this.outbox.next(Date.now(), link === "http" || isSlow() ? 1 : Infinity);
      this.#isBusy = false;
      if (next === null) return;
      if (typeof next === "number") {
        this.#timer = setTimeout(() => this.pump(), next);
        return;
      }
      if (link === "http") void this.#post(next);
      else this.#send(link, next);
    }
  }

  /** False when the frame answers nothing that was published. */
  receive(frame: Addressed): boolean {
    const entry = "ref" in frame && frame.ref !== undefined ? this.#asked.get(frame.ref) : undefined;
    if (entry === undefined || (frame.type !== "ack" && frame.type !== "error")) return false;
    this.#asked.delete(frame.ref ?? "");
    if (frame.type === "error") this.#refused(entry, fromFrame(frame));
    else {
      const { id = null, seq = 0, duplicate = false } = frame;
      this.outbox.acked(entry, { nonce: entry.nonce, id, seq, duplicate });
    }
    this.pump();
    return true;
  }

  /** The socket has gone, or the room's place on it: what it did not answer is sent again. */
  lost(): void {
    if (this.#asked.size === 0) return;
    this.#asked.clear();
    this.outbox.lost();
  }

  #refusal(bytes: number): ParleyError | null {
    const { signal } = this.#options;
    if (signal.aborted) return signal.reason as ParleyError;
    if (bytes > frameBytesMax) return new ParleyError("too_large", `A message may have ${frameBytesMax} bytes.`);
    return this.outbox.refusal(bytes);
  }

  #send(link: Link, entry: Entry): void {
    const ref = newRef();
    this.#asked.set(ref, entry);
    // Where it cannot be said now, the end of the connection brings it back.
    link.send({ type: "publish", ref, room: this.#options.room, nonce: entry.nonce, ...entry.content });
  }

  async #post(entry: Entry): Promise<void> {
    const { http, room, signal } = this.#options;
    const { nonce, content } = entry;
    this.#isBusy = true;
    try {
      const call = { body: content, headers: { "Idempotency-Key": nonce }, signal };
      const path = `/v1/rooms/${room}/messages`;
      const { message } = await (await http()).call<{ readonly message: Message | null }>("POST", path, call);
      const id = message?.id ?? null;
      this.outbox.acked(entry, { nonce, id, seq: id ?? 0, duplicate: false });
    } catch (error) {
      if (signal.aborted) return;
      this.#refused(entry, error instanceof ParleyError ? error : networkError(String(error), error));
    } finally {
      this.#isBusy = false;
    }
    this.pump();
  }

  #refused(entry: Entry, error: ParleyError): void {
    this.outbox.refused(entry, error, Date.now(), this.#options.chance());
  }
}
