/** What a room is to those who use it. */
import type { GapReason } from "../protocol/changes.ts";
import type { Member } from "../protocol/message.ts";
import type { PresentMember, LimitLevel } from "../protocol/serverFrames.ts";
import type { PresenceMode } from "../protocol/session.ts";
import type { FileAnswer } from "../protocol/upload.ts";
import type { ListenOptions } from "./emitter.ts";
import type { ParleyError } from "./error.ts";
import type { Ack, OutboxState } from "./outbox.ts";
import type { StandardSchema } from "./schema.ts";
import type { Message, RoomSnapshot } from "./snapshot.ts";
import type { MessageStream } from "./stream.ts";
import type { UploadOptions } from "./upload.ts";

export interface RoomOptions<Data = unknown> {
  /** Of `data`: what is published is checked by it, and what is shown is what it gives. */
  readonly data?: StandardSchema<Data>;
  /** With how many messages to begin: 0 to 200, 50 by default. */
  readonly backlog?: number;
  /** What to hear of who is here. `full` by default. */
  readonly presence?: PresenceMode;
  /** How many messages to hold, beside what `history()` brings: 1,000 by default. Older ones are let go. */
  readonly keep?: number;
}

export interface Waitable {
  /** Ends the waiting: the promise rejects with its reason. */
  readonly signal?: AbortSignal;
}

export interface NewMessage<Data = unknown> extends Waitable {
  readonly text?: string;
  readonly data?: Data;
  readonly replyTo?: number;
  /** Ids of uploads. */
  readonly attachments?: readonly string[];
  readonly mentions?: readonly string[];
  readonly expiresInMs?: number;
  /** 8 to 64 of A-Z, a-z, 0-9, _ and -; made by chance where there is none. Published twice, it is stored once. */
  readonly nonce?: string;
}

/** At most one of `before`, `after` and `around`. None: what comes before all that is held, which is held from then on. */
export interface HistoryOptions extends Waitable {
  readonly before?: number;
  readonly after?: number;
  readonly around?: number;
  readonly limit?: number;
}

export interface HistoryPage<Data = unknown> {
  readonly messages: readonly Message<Data>[];
  readonly hasMore: boolean;
}

export interface SearchOptions extends Waitable {
  /** Only what this user has said. */
  readonly from?: string;
  /** Milliseconds: only what was published in this time. */
  readonly after?: number;
  readonly before?: number;
  readonly order?: "relevance" | "newest";
  readonly limit?: number;
  /** From the answer before. */
  readonly next?: string;
}

export interface SearchPage<Data = unknown> {
  /** `highlights` and `excerpt` are parts of the text: where each begins, and how many UTF-16 units it has. */
  readonly items: readonly {
    readonly message: Message<Data>;
    readonly highlights: readonly (readonly [number, number])[];
    readonly excerpt: readonly [number, number] | null;
  }[];
  readonly next?: string;
  /** Whether all messages of the room are in the index yet. */
  readonly complete: boolean;
}

export interface RoomEvents<Data = unknown> {
  /** New since the room was first shown, once each; also what was missed while the connection was away. */
  readonly message: Message<Data>;
  /** The server could not go on where this client stood: what was held is dropped and begun anew. */
  readonly gap: { readonly reason: GapReason };
  /** A limit is nearly used up. */
  readonly limit: Omit<LimitLevel, "type">;
  /** What answers no call: the room was refused or closed, or said no to a sign. */
  readonly error: ParleyError;
  /** One's own message went on. */
  readonly outbox: { readonly nonce: string; readonly state: OutboxState };
}

export interface RoomPresence {
  readonly members: readonly PresentMember[];
  /** Users who are here: of a crowd there are more than `members` shows. */
  readonly count: number;
  /** A cursor, a colour, "away": at most 1 KB of JSON. Said again whenever the room is entered, at most ten times a second. */
  readonly set: (state: unknown) => void;
}

export interface Room<Data = unknown> {
  readonly name: string;
  /** The same value until something changes. */
  readonly snapshot: RoomSnapshot<Data>;
  readonly presence: RoomPresence;

  /** Enters the room, and leaves it with the last one that ends its subscription by the function that is returned. */
  subscribe(listener: (snapshot: RoomSnapshot<Data>) => void, options?: ListenOptions): () => void;
  on<Name extends keyof RoomEvents<Data>>(
    name: Name,
    listener: (event: RoomEvents<Data>[Name]) => void,
    options?: ListenOptions,
  ): () => void;

  /**
   * Resolves when the message is on disk and ordered. Offline it waits; what the room is too busy for is tried again, in order.
   * Rejects with `outbox_full` at once, and with what the server refuses. `signal` gives it up while it has not been sent.
   */
  publish(message: NewMessage<Data>): Promise<Ack>;
  /** A message that is written as it comes into being, an assistant's for example. Needs the capability `stream`. Resolves when it is there. */
  stream(message?: NewMessage<Data>): Promise<MessageStream>;

  /** Null where it has gone meanwhile. With `ifVersion` only if nobody has edited it since. */
  edit(
    id: number,
    change: { readonly text?: string; readonly data?: Data; readonly ifVersion?: number } & Waitable,
  ): Promise<Message<Data> | null>;
  /** With `redact` nothing of it remains. */
  delete(id: number, options?: { readonly redact?: boolean } & Waitable): Promise<void>;
  react(id: number, emoji: string, options?: Waitable): Promise<void>;
  unreact(id: number, emoji: string, options?: Waitable): Promise<void>;
  /** Stops a message that is being streamed. */
  cancel(id: number, options?: { readonly reason?: string } & Waitable): Promise<void>;

  history(options?: HistoryOptions): Promise<HistoryPage<Data>>;
  search(query: string, options?: SearchOptions): Promise<SearchPage<Data>>;
  /** All of them. From then on `snapshot.members` has them, and follows. */
  members(options?: Waitable): Promise<readonly Member[]>;
  /** Says at most every 5 s what is still so; `false` when nothing is being written any more. */
  typing(active?: boolean): void;
  /** Up to the newest message that is held, if no other is named. Never back. */
  read(upTo?: number): void;
  upload(file: Blob & { readonly name?: string }, options?: UploadOptions): Promise<FileAnswer>;
}
