/** The connection as a state machine: one attempt at a time, and a token before each. It says when, and never what. */
import { pauseMs } from "./backoff.ts";
import { type Ending, errorOf, instructionOf, type Instruction } from "./ending.ts";
import { networkError, ParleyError } from "./error.ts";
import type { Addressed, Link, LinkEvents, Transport } from "./link.ts";
import type { Tokens } from "./token.ts";
import { isOffline } from "./wake.ts";

/**
 * - `idle`: nobody needs it.
 * - `connecting`: an attempt is under way.
 * - `connected`: open.
 * - `waiting`: the next attempt comes at `retryAtMs`, or when the device wakes.
 * - `offline`: the device says that it has no network; the next attempt comes when it has, or at `retryAtMs`.
 * - `failed`: the server has said not to come back. `connect()` tries again.
 * - `closed`: for good.
 */
export type ConnectionState =
  | { readonly name: "idle" }
  | { readonly name: "connecting"; readonly attempt: number }
  | { readonly name: "connected"; readonly transport: Transport }
  | {
      readonly name: "waiting" | "offline";
      readonly attempt: number;
      readonly retryAtMs: number;
      readonly error: ParleyError;
    }
  | { readonly name: "failed"; readonly error: ParleyError }
  | { readonly name: "closed" };

export interface ConnectionOptions {
  readonly tokens: Tokens;
  readonly open: (token: string, transport: Transport, events: LinkEvents) => Promise<Link>;
  /** Asked after an attempt that was not opened: resolves when the server is reached over HTTP, and throws its refusal. */
  readonly probe: () => Promise<unknown>;
  readonly transport: Transport | "auto";
  /** From 0 to 1. */
  readonly chance: () => number;
  readonly onState: (state: ConnectionState) => void;
  readonly onFrame: (frame: Addressed) => void;
}

/** A connection that did not hold for so long counts as a failed attempt. */
const holdsMs = 5_000;
const offlineRetryMs = 30_000;
/** Refusals over HTTP beside WebSockets that are not opened: a proxy lets no WebSocket through. */
const unopenedMax = 2;

export class Connection {
  readonly #options: ConnectionOptions;
  #state: ConnectionState = { name: "idle" };
  #transport: Transport;
  #link: Link | null = null;
  /** Ends with the attempt, and with the connection that came of it. */
  #attempt = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #unopened = 0;
  #openedAtMs = Infinity;
  /** As the last `welcome` has said it. */
  #jitterMs = 2_000;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#transport = options.transport === "sse" ? "sse" : "websocket";
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Null while there is none that is open. */
  get link(): Link | null {
    return this.#state.name === "connected" ? this.#link : null;
  }

  /** It is needed. */
  connect(): void {
    const { name } = this.#state;
    if (name === "idle" || name === "failed") this.#try();
  }

  /** It is not needed any more. */
  disconnect(): void {
    if (this.#state.name !== "closed" && this.#state.name !== "failed") this.#rest({ name: "idle" });
  }

  close(): void {
    this.#rest({ name: "closed" });
  }

  /** The device has woken up. */
  wake(): void {
    const { name } = this.#state;
    if (name === "waiting" || name === "offline") this.#try();
    else this.link?.check();
  }

  #rest(state: ConnectionState): void {
    this.#drop();
    this.#failures = 0;
    this.#enter(state);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#attempt.abort();
    this.#link?.close();
    this.#link = null;
  }

  #enter(state: ConnectionState): void {
    if (state.name === this.#state.name && (state.name === "idle" || state.name === "closed")) return;
    this.#state = state;
    this.#options.onState(state);
  }

  #try(): void {
    this.#drop();
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#openedAtMs = Infinity;
    this.#enter({ name: "connecting", attempt: this.#failures + 1 });
    void this.#open(attempt.signal).catch((error: unknown) => {
      if (attempt.signal.aborted) return;
      this.#fail(error instanceof ParleyError ? error : networkError(String(error), error));
    });
  }

  async #open(signal: AbortSignal): Promise<void> {
    const token = await this.#options.tokens.fresh();
    if (signal.aborted) return;
    const unless = (act: () => void): void => (signal.aborted ? undefined : act());
    const link = await this.#options.open(token, this.#transport, {
      onOpen: () => unless(() => this.#opened()),
      onFrame: (frame) => unless(() => this.#receive(frame)),
      onEnd: (ending) => unless(() => void (ending.opened ? this.#ended(ending) : this.#notOpened(ending, signal))),
    });
    // It was given up while it was loaded.
    if (signal.aborted) link.close();
    else this.#link = link;
  }

  #opened(): void {
    this.#openedAtMs = Date.now();
    this.#unopened = 0;
    this.#enter({ name: "connected", transport: this.#transport });
  }

  #receive(frame: Addressed): void {
    if (frame.type === "welcome") this.#jitterMs = frame.reconnectJitterMs;
    if (frame.type === "token" && frame.expiring === true) void this.#renew();
    else this.#options.onFrame(frame);
  }

  /** A new token for the connection that is open. Where none comes, it ends by itself and another is opened. */
  async #renew(): Promise<void> {
    const { signal } = this.#attempt;
    const token = await this.#options.tokens.fresh().catch(() => null);
    if (token !== null && !signal.aborted) this.#link?.renew(token, "token");
  }

  /** Nothing of a failed upgrade can be read: over HTTP the server says why, or a proxy lets no WebSocket through. */
  async #notOpened(ending: Ending, signal: AbortSignal): Promise<void> {
    this.#link = null;
    const refusal = await this.#options.probe().then(
      () => null,
      (error: unknown) => error,
    );
    if (signal.aborted) return;
    if (refusal instanceof ParleyError && refusal.code !== "network") return this.#fail(refusal);
    if (refusal === null && this.#options.transport === "auto" && ++this.#unopened >= unopenedMax)
      this.#transport = "sse";
    this.#ended(ending);
  }

  #ended(ending: Ending): void {
    if (Date.now() - this.#openedAtMs >= holdsMs) this.#failures = 0;
    else this.#failures++;
    this.#pause(errorOf(ending), instructionOf(ending));
  }

  #fail(error: ParleyError): void {
    this.#failures++;
    this.#pause(error, error.retryable ? "backoff" : "never");
  }

  #pause(error: ParleyError, instruction: Instruction): void {
    this.#drop();
    if (instruction === "never") {
      this.#failures = 0;
      return this.#enter({ name: "failed", error });
    }
    const offline = isOffline();
    const retryAfterMs = error.retryAfterMs ?? 0;
    const failures = this.#failures;
    const [jitterMs, chance] = [this.#jitterMs, this.#options.chance()];
    const soonMs = pauseMs({ failures, instruction, retryAfterMs, jitterMs, chance });
    // A browser may be wrong about it.
    const waitMs = offline ? Math.max(offlineRetryMs, soonMs) : soonMs;
    this.#timer = setTimeout(() => this.#try(), waitMs);
    const name = offline ? "offline" : "waiting";
    this.#enter({ name, attempt: failures, retryAtMs: Date.now() + waitMs, error });
  }
}
