/** A room as it is shown: one value that stays the same until something changes. */
import type { RoomCapability } from "../protocol/capabilities.ts";
import type { Member, Message as WireMessage, RoomSettings } from "../protocol/message.ts";
import type { PresentMember, WelcomeFrame } from "../protocol/serverFrames.ts";
import type { RoomStatus } from "./attendance.ts";
import type { Copy } from "./copy.ts";
import { safely } from "./emitter.ts";
import { ParleyError } from "./error.ts";
import type { Outbox, OutboxState } from "./outbox.ts";
import type { Presence } from "./presence.ts";
import { type StandardSchema, validated } from "./schema.ts";

/** A message with `data` as the room's schema gives it; null where it has none, or not such. */
export type Message<Data = unknown> = Omit<WireMessage, "data"> & { readonly data: Data | null };

/** One's own message that is on its way. */
export interface Pending {
  readonly nonce: string;
  readonly state: OutboxState;
  /** By this device's clock. */
  readonly createdAt: number;
  readonly text: string | null;
  readonly data: unknown;
  readonly replyTo?: number;
  /** Ids of uploads. */
  readonly attachments?: readonly string[];
  readonly mentions?: readonly string[];
}

export interface RoomSnapshot<Data = unknown> {
  readonly status: RoomStatus;
  /** Why it is `waiting` or `failed`. */
  readonly error: ParleyError | null;
  /** By id, without gaps from the first one on. */
  readonly messages: readonly Message<Data>[];
  /** Whether there are older ones: `history()` brings them. */
  readonly hasMore: boolean;
  /** Where this client stands in the room's history, `<epoch>:<seq>`; null before anything has come. */
  readonly cursor: string | null;
  readonly outbox: readonly Pending[];
  readonly members: readonly Member[];
  readonly present: readonly PresentMember[];
  /** How many users are here; of a crowd not all are in `present`. */
  readonly online: number;
  /** Who is writing just now. */
  readonly typing: readonly string[];
  /** By user, the id of the message up to which they have read. */
  readonly receipts: Readonly<Record<string, number>>;
  readonly settings: RoomSettings | null;
  readonly user: WelcomeFrame["user"];
  readonly capabilities: readonly (RoomCapability | "admin")[];
}

export interface Parts {
  readonly copy: Copy;
  readonly presence: Presence;
  readonly outbox: Outbox;
  readonly typing: ReadonlyMap<string, unknown>;
  readonly receipts: Readonly<Record<string, number>>;
  readonly welcome: WelcomeFrame | null;
  readonly status: RoomStatus;
  readonly error: ParleyError | null;
}

/** Makes them, and knows the typed messages that it has made before. */
export class Snapshots<Data> {
  readonly #schema: StandardSchema<Data> | undefined;
  readonly #onInvalid: (message: WireMessage, error: ParleyError) => void;
  readonly #typed = new WeakMap<WireMessage, Message<Data>>();

  constructor(schema: StandardSchema<Data> | undefined, onInvalid: (message: WireMessage, error: ParleyError) => void) {
    this.#schema = schema;
    this.#onInvalid = onInvalid;
  }

  make({ copy, presence, outbox, typing, welcome, ...rest }: Parts, nowMs: number): RoomSnapshot<Data> {
    const shown = [...copy.messages.values()].filter(({ expiresAt }) => expiresAt === null || expiresAt > nowMs);
    const messages = shown.sort((one, other) => one.id - other.id).map((message) => this.typed(message));
    const user = welcome?.user ?? null;
    // A nonce is its sender's: somebody else's may be the same.
    const own = outbox.pending.length === 0 ? [] : messages.filter(({ sender }) => sender?.id === user?.id);
    const told = new Set(own.map(({ nonce }) => nonce));
    return {
      ...rest,
      messages,
      hasMore: copy.hasMore,
      cursor: copy.cursor,
      outbox: outbox.pending
        .filter(({ nonce }) => !told.has(nonce))
        .map(
          (entry) =>
            (entry.shown ??= {
              text: null,
              data: null,
              ...entry.content,
              nonce: entry.nonce,
              state: entry.state,
              createdAt: entry.createdAt,
            }),
        ),
      members: [...copy.members.values()].filter(({ role }) => role !== null),
      present: [...presence.members.values()],
      online: presence.count,
      typing: [...typing.keys()],
      settings: copy.settings,
      user,
      capabilities: welcome?.capabilities ?? [],
    };
  }

  typed(message: WireMessage): Message<Data> {
    const known = this.#typed.get(message);
    if (known !== undefined) return known;
    const typed = { ...message, data: this.#dataOf(message) };
    this.#typed.set(message, typed);
    return typed;
  }

  #dataOf(message: WireMessage): Data | null {
    try {
      return validated(this.#schema, message.data);
    } catch (error) {
      if (error instanceof ParleyError) this.#onInvalid(message, error);
      // The schema's own failure is the application's, and no reason to hold up the others, or the connection.
      else
        safely(() => {
          throw error;
        });
      return null;
    }
  }
}

/** When the next of them is to be shown no more, by the server's clock. */
export function nextExpiry({ messages }: Pick<RoomSnapshot, "messages">): number {
  return messages.reduce((next, { expiresAt }) => Math.min(next, expiresAt ?? Infinity), Infinity);
}
