/** A room of a client: what is heard goes to the copy, what is said to the outbox, and who listens is told once for all. */
import type { Member } from "../protocol/message.ts";
import type { WelcomeFrame } from "../protocol/serverFrames.ts";
import type { FileAnswer } from "../protocol/upload.ts";
import { Attendance } from "./attendance.ts";
import { Copy, type Outcome } from "./copy.ts";
import type { Deeds } from "./deeds.ts";
import { Emitter, type ListenOptions, safely } from "./emitter.ts";
import { fromFrame, type ParleyError } from "./error.ts";
import type { Http } from "./http.ts";
import type { Addressed, Link } from "./link.ts";
import type { Ack, OutboxLimits } from "./outbox.ts";
import { newNonce } from "./nonce.ts";
import { Presence } from "./presence.ts";
import { Publisher } from "./publisher.ts";
import type {
  HistoryOptions,
  HistoryPage,
  NewMessage,
  Room,
  RoomEvents,
  RoomOptions,
  RoomPresence,
  SearchOptions,
  SearchPage,
  Waitable,
} from "./room.ts";
import { validated } from "./schema.ts";
import { type Message, nextExpiry, type RoomSnapshot, Snapshots } from "./snapshot.ts";
import type { MessageStream } from "./stream.ts";
import { Typing } from "./typing.ts";
import type { UploadOptions } from "./upload.ts";

export interface LiveRoomOptions<Data> {
  readonly name: string;
  readonly room: RoomOptions<Data>;
  readonly http: () => Promise<Http>;
  readonly limits: OutboxLimits;
  readonly link: () => Link | null;
  readonly chance: () => number;
  /** Whether anybody listens, and so the connection is needed. */
  readonly onNeed: () => void;
  readonly signal: AbortSignal;
}

const keepDefault = 1_000;
const presenceEveryMs = 100;
/** A timer cannot wait longer. */
const timerMsMax = 2_147_483_647;

export class LiveRoom<Data> extends Emitter<RoomEvents<Data>> implements Room<Data> {
  readonly name: string;
  readonly #options: LiveRoomOptions<Data>;
  readonly #copy: Copy;
  readonly #attendance: Attendance;
  readonly #publisher: Publisher;
  #loaded: Deeds<Data> | null = null;
  readonly #present = new Presence();
  readonly #typing = new Typing();
  readonly #snapshots: Snapshots<Data>;
  readonly #streams = new Set<MessageStream>();
  readonly #listeners = new Set<(snapshot: RoomSnapshot<Data>) => void>();
  #welcome: WelcomeFrame | null = null;
  /** The server's clock is ahead of ours by so much. */
  #aheadMs = 0;
  #receipts: Record<string, number> = {};
  #snapshot: RoomSnapshot<Data> | null = null;
  #isTelling = false;
  #changing: ReturnType<typeof setTimeout> | undefined;
  #state: { readonly value: unknown } | null = null;
  #stating: ReturnType<typeof setTimeout> | undefined;
  #readUpTo = 0;
  #hasMembers = false;

  constructor(options: LiveRoomOptions<Data>) {
    super();
    const { name, room, http, limits, link, chance, signal } = options;
    this.name = name;
    this.#options = options;
    this.#copy = new Copy(room.keep ?? keepDefault);
    this.#snapshots = new Snapshots(room.data, (_, error) => this.emit("error", error));
    this.#attendance = new Attendance({
      room: name,
      backlog: room.backlog,
      presence: room.presence,
      copy: this.#copy,
      link,
      chance,
      onStatus: () => this.#onStatus(),
    });
    this.#publisher = new Publisher({
      room: name,
      http,
      limits,
      chance,
      signal,
      way: () => this.#way(),
      isSlow: () => (this.#copy.settings?.slowModeMs ?? 0) > 0,
      onState: ({ nonce, state }) => {
        this.emit("outbox", { nonce, state });
        this.#changed();
      },
    });
  }

  get snapshot(): RoomSnapshot<Data> {
    const { status, error } = this.#attendance;
    this.#snapshot ??= this.#snapshots.make(
      {
        copy: this.#copy,
        presence: this.#present,
        outbox: this.#publisher.outbox,
        typing: this.#typing.users,
        receipts: this.#receipts,
        welcome: this.#welcome,
        status,
        error,
      },
      Date.now() + this.#aheadMs,
    );
    return this.#snapshot;
  }

  get isNeeded(): boolean {
    return this.#listeners.size > 0;
  }

  get presence(): RoomPresence {
    const { present: members, online: count } = this.snapshot;
    return { members, count, set: (state) => this.#setState(state) };
  }

  subscribe(listener: (snapshot: RoomSnapshot<Data>) => void, { signal }: ListenOptions = {}): () => void {
    const own = (snapshot: RoomSnapshot<Data>): void => listener(snapshot);
    const end = (): void => {
      signal?.removeEventListener("abort", end);
      if (this.#listeners.delete(own) && this.#listeners.size === 0) this.#leave();
    };
    if (signal?.aborted === true || this.#options.signal.aborted) return end;
    signal?.addEventListener("abort", end);
    this.#listeners.add(own);
    if (this.#listeners.size === 1) {
      this.#attendance.enter();
      this.#options.onNeed();
    }
    return end;
  }

  publish({ nonce = newNonce(), signal, ...content }: NewMessage<Data>): Promise<Ack> {
    return this.#publish(content, nonce, signal);
  }

  async stream({ nonce = newNonce(), signal, ...content }: NewMessage<Data> = {}): Promise<MessageStream> {
    const ack = await this.#publish({ text: "", ...content, streaming: true }, nonce, signal);
    const { openStream } = await import("./stream.ts");
    const stream = await openStream(this.#options, ack, content.text, signal);
    this.#streams.add(stream);
    stream.signal.addEventListener("abort", () => this.#streams.delete(stream));
    return stream;
  }

  async #publish(content: object, nonce: string, signal: AbortSignal | undefined): Promise<Ack> {
    validated(this.#options.room.data, (content as NewMessage).data);
    this.#typing.say(false, Date.now());
    return this.#publisher.publish({ ...content }, nonce, signal);
  }

  async edit(id: number, change: Parameters<Room<Data>["edit"]>[1]): Promise<Message<Data> | null> {
    validated(this.#options.room.data, change.data);
    return (await this.#deeds()).edit(id, change);
  }

  async delete(id: number, options?: { readonly redact?: boolean } & Waitable): Promise<void> {
    return (await this.#deeds()).delete(id, options);
  }

  async react(id: number, emoji: string, options?: Waitable): Promise<void> {
    return (await this.#deeds()).react("PUT", id, emoji, options);
  }

  async unreact(id: number, emoji: string, options?: Waitable): Promise<void> {
    return (await this.#deeds()).react("DELETE", id, emoji, options);
  }

  async cancel(id: number, options?: { readonly reason?: string } & Waitable): Promise<void> {
    return (await this.#deeds()).cancel(id, options);
  }

  async history(options?: HistoryOptions): Promise<HistoryPage<Data>> {
    return (await this.#deeds()).history(options);
  }

  async search(query: string, options?: SearchOptions): Promise<SearchPage<Data>> {
    return (await this.#deeds()).search(query, options);
  }

  async members(options?: Waitable): Promise<readonly Member[]> {
    this.#hasMembers = true;
    return (await this.#deeds()).members(options);
  }

  typing(active = true): void {
    if (this.#typing.say(active, Date.now())) this.#say({ type: "typing", active });
  }

  read(upTo = this.#copy.newest): void {
    if (upTo <= this.#readUpTo) return;
    this.#readUpTo = upTo;
    this.#tellRead();
  }

  async upload(file: Blob & { readonly name?: string }, options?: UploadOptions): Promise<FileAnswer> {
    // Not of the core: who uploads nothing does not load it.
    const { uploadFile } = await import("./upload.ts");
    return uploadFile(await this.#options.http(), this.name, file, options);
  }

  // From the client.

  connected(): void {
    this.#attendance.connected();
    this.#publisher.pump();
  }

  disconnected(): void {
    this.#attendance.disconnected();
    this.#publisher.lost();
  }

  failed(error: ParleyError): void {
    // First: the room that has failed would send over HTTP what is rejected here.
    this.#publisher.lost();
    this.#publisher.outbox.fail(error);
    this.#attendance.failed(error);
  }

  close(): void {
    this.#listeners.clear();
    this.#leave();
  }

  receive(frame: Addressed): void {
    if (!this.#attendance.receive(frame) || this.#publisher.receive(frame)) return;
    const outcome = this.#copy.receive(frame);
    this.#hear(frame);
    this.#follow(outcome);
    this.#attendance.look();
    this.#changed();
  }

  #hear(frame: Addressed): void {
    const { type } = frame;
    if (type === "welcome") this.#begin(frame);
    else if (type === "presence" && this.#present.receive(frame)) this.#askPresent();
    else if (type === "typing") this.#typing.hear(frame, Date.now());
    else if (type === "receipt") this.#receipts = { ...this.#receipts, [frame.user]: frame.upTo };
    else if (type === "limit") this.emit("limit", frame);
    else if (type === "error") this.emit("error", fromFrame(frame));
    else if (type === "cancel")
      for (const stream of this.#streams) if (stream.message.id === frame.id) stream.cancelled(frame.reason);
  }

  #begin(frame: WelcomeFrame): void {
    this.#welcome = frame;
    this.#aheadMs = frame.serverTime - Date.now();
    this.#receipts = frame.receipts;
    this.#publisher.outbox.pace.set(frame.limits.publish);
    if (this.#present.begin(frame.presence)) this.#askPresent();
    if (frame.gap === undefined) return;
    // Another history may count from the beginning.
    this.#readUpTo = 0;
    this.emit("gap", frame.gap);
  }

  #follow({ hole, snapshot, fresh = [] }: Outcome): void {
    for (const message of fresh) {
      if (message.sender !== null) this.#typing.forget(message.sender.id);
      this.emit("message", this.#snapshots.typed(message));
    }
    if (snapshot !== undefined && !this.#say({ type: "snapshot", id: snapshot }))
      this.#fill((deeds) => deeds.fillText(snapshot));
    if (hole !== true) return;
    this.#publisher.lost();
    this.#attendance.resync();
  }

  #onStatus(): void {
    const { status, error } = this.#attendance;
    if (error !== null) this.emit("error", error);
    if (status !== "live") this.#publisher.lost();
    else {
      this.#sayState();
      this.#tellRead();
      // The reset has dropped them.
      if (this.#hasMembers && !this.#welcome?.resumed) this.members().catch(() => undefined);
    }
    this.#publisher.pump();
    this.#changed();
  }

  #way(): Link | "http" | null {
    const { status } = this.#attendance;
    const link = this.#options.link();
    if (status === "live" && link?.transport === "websocket") return link;
    return status === "idle" || status === "failed" || link?.transport === "sse" ? "http" : null;
  }

  #leave(): void {
    clearTimeout(this.#changing);
    clearTimeout(this.#stating);
    this.#stating = undefined;
    this.#typing.clear();
    this.#attendance.exit();
    this.#options.onNeed();
  }

  // What is asked for by itself.

  /** Not of the core: who only listens and speaks does not load it. */
  async #deeds(): Promise<Deeds<Data>> {
    const { Deeds } = await import("./deeds.ts");
    const http = await this.#options.http();
    // What could not be loaded now is loaded the next time.
    return (this.#loaded ??= new Deeds({
      room: this.name,
      http,
      copy: this.#copy,
      present: this.#present,
      snapshots: this.#snapshots,
      onChange: () => this.#changed(),
    }));
  }

  #askPresent(): void {
    this.#fill((deeds) => deeds.fillPresent(this.#options.signal));
  }

  #fill(how: (deeds: Deeds<Data>) => Promise<void>): void {
    // What could not be filled now is found missing once more.
    this.#deeds()
      .then(how)
      .catch(() => undefined);
  }

  // What is said and not stored.

  #say(frame: object): boolean {
    const link = this.#way();
    return typeof link === "object" && link?.send({ ...frame, room: this.name }) === true;
  }

  #setState(value: unknown): void {
    // What is no JSON throws here, and not whenever the room is entered.
    JSON.stringify(value);
    this.#state = { value };
    this.#stating ??= setTimeout(() => {
      this.#stating = undefined;
      this.#sayState();
    }, presenceEveryMs);
  }

  #sayState(): void {
    if (this.#state !== null) this.#say({ type: "presence.set", state: this.#state.value });
  }

  /** Again whenever the room is entered: what was said last may have been lost with the connection. */
  #tellRead(): void {
    const upTo = this.#readUpTo;
    if (upTo > 0 && !this.#say({ type: "read", upTo }) && this.#way() === "http")
      this.#fill((deeds) => deeds.read(upTo));
  }

  // Telling.

  #changed(): void {
    this.#snapshot = null;
    if (this.#isTelling || this.#listeners.size === 0) return;
    this.#isTelling = true;
    // Once for all that happens at once.
    queueMicrotask(() => {
      this.#isTelling = false;
      this.#tell();
    });
  }

  #tell(): void {
    if (this.#listeners.size === 0) return;
    const { snapshot } = this;
    clearTimeout(this.#changing);
    const nextMs = Math.min(this.#typing.nextMs, nextExpiry(snapshot) - this.#aheadMs) - Date.now();
    if (nextMs < timerMsMax) this.#changing = setTimeout(() => this.#pass(), Math.max(0, nextMs));
    for (const listener of this.#listeners) safely(() => listener(snapshot));
  }

  #pass(): void {
    this.#typing.expire(Date.now());
    this.#changed();
  }
}
