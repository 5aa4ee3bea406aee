/** What all components that show a room share: one subscription, and what they have published that is not stored yet. */
import type { Ack, NewMessage, ParleyError, Room, RoomSnapshot } from "../client.ts";
import { newNonce } from "../nonce.ts";
import { type Draft, sending, type SendingMessage, stored, type StoredMessage } from "./shown.ts";

/** The same value until something changes. */
export interface RoomState<Data> {
  readonly snapshot: RoomSnapshot<Data>;
  readonly stored: readonly StoredMessage<Data>[];
  readonly sending: readonly SendingMessage<Data>[];
}

/** What was published by a hook. It fails here, and not at who called. */
interface OwnDraft<Data> extends Draft<Data> {
  /** Over HTTP it comes before the message itself. */
  readonly ack?: Ack;
}

const stores = new WeakMap<object, unknown>();

export function storeOf<Data>(room: Room<Data>): RoomStore<Data> {
  return kept(stores, room, () => new RoomStore(room));
}

export class RoomStore<Data> {
  readonly room: Room<Data>;
  /** As it was first seen: on a server, and while its page comes to life. */
  readonly before: RoomState<Data>;
  readonly #listeners = new Set<() => void>();
  #end: (() => void) | null = null;
  #state: RoomState<Data> | null = null;
  /** In the order in which they were published, by nonce. */
  readonly #drafts = new Map<string, OwnDraft<Data>>();
  /** By message, or by draft. */
  readonly #shown = new WeakMap<object, unknown>();

  constructor(room: Room<Data>) {
    this.room = room;
    this.before = this.#make(room.snapshot);
  }

  get state(): RoomState<Data> {
    const { snapshot } = this.room;
    if (this.#state?.snapshot !== snapshot) this.#state = this.#make(snapshot);
    return this.#state;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    // Each its own, so that the same function may listen twice.
    const own = (): void => listener();
    this.#listeners.add(own);
    this.#end ??= this.room.subscribe(() => this.#tell());
    return () => {
      // Strict mode, or a list that is built anew, comes back within the same tick.
      if (this.#listeners.delete(own)) setTimeout(() => this.#leave());
    };
  };

  /** Null when it failed: it stays in the list, with the reason. */
  readonly publish = (message: NewMessage<Data>): Promise<Ack | null> =>
    this.#publish(draftOf(message, message.nonce ?? newNonce(), Date.now()));

  /** Under the same nonce: had it been stored after all, it is there once. */
  readonly retry = async (nonce: string): Promise<Ack | null> => {
    const draft = this.#drafts.get(nonce);
    return draft?.error ? this.#publish({ ...draft, error: null }) : null;
  };

  /** Of one that has failed. */
  readonly discard = (nonce: string): void => {
    if (this.#drafts.get(nonce)?.error) this.#put(nonce, null);
  };

  async #publish(draft: OwnDraft<Data>): Promise<Ack | null> {
    const { nonce, content } = draft;
    this.#put(nonce, draft);
    try {
      const ack = await this.room.publish({ ...content, nonce });
      this.#put(nonce, { ...draft, ack });
      return ack;
    } catch (error) {
      // Whoever gave it up does not want to see it.
      this.#put(nonce, content.signal?.aborted ? null : { ...draft, error: error as ParleyError });
      return null;
    }
  }

  #put(nonce: string, draft: OwnDraft<Data> | null): void {
    if (draft === null) this.#drafts.delete(nonce);
    else this.#drafts.set(nonce, draft);
    this.#tell();
  }

  #tell(): void {
    this.#state = null;
    const { snapshot } = this.room;
    const newest = snapshot.messages.at(-1)?.id ?? 0;
    for (const [nonce, { ack }] of this.#drafts) if (ack && (ack.id ?? 0) <= newest) this.#drafts.delete(nonce);
    for (const listener of this.#listeners) listener();
  }

  #leave(): void {
    if (this.#listeners.size > 0) return;
    this.#end?.();
    this.#end = null;
  }

  #make(snapshot: RoomSnapshot<Data>): RoomState<Data> {
    const { messages, outbox, user } = snapshot;
    const drafts = [...this.#drafts.values()];
    // What was published without a hook is shown while it is on its way; whoever published it hears when it fails.
    for (const pending of outbox)
      if (!this.#drafts.has(pending.nonce))
        drafts.push(kept(this.#shown, pending, () => draftOf(pending, pending.nonce, pending.createdAt)));
    const all = messages.map((message) => kept(this.#shown, message, () => stored(message, user)));
    // The key of one's own is its nonce; somebody else's may be the same.
    const told = new Set(all.map(({ key }) => key));
    return {
      snapshot,
      stored: all,
      sending: drafts
        .filter(({ nonce }) => !told.has(nonce))
        .map((draft) => kept(this.#shown, draft, () => sending(draft, user))),
    };
  }
}

function draftOf<Data>(content: object, nonce: string, createdAt: number): OwnDraft<Data> {
  return { nonce, content, createdAt, error: null };
}

/** What was made of it before: what is shown stays the same value. */
function kept<Value>(made: WeakMap<object, unknown>, of: object, make: () => Value): Value {
  if (!made.has(of)) made.set(of, make());
  return made.get(of) as Value;
}
