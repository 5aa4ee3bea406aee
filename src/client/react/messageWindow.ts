/** The part of a room's messages that one component shows. */
import type { Ack, Message, NewMessage, ParleyError, RoomStatus } from "../client.ts";
import type { RoomState, RoomStore } from "./roomStore.ts";
import { steady } from "./selected.ts";
import type { ShownMessage } from "./shown.ts";

export interface MessagesView<Data = unknown> {
  /** By id, then those of one's own that are not stored yet, as they were published. Each has its React `key`. */
  readonly messages: readonly ShownMessage<Data>[];
  readonly status: RoomStatus;
  /** Why the room is `waiting` or `failed`. */
  readonly error: ParleyError | null;
  /** Whether there are older ones. */
  readonly hasMore: boolean;
  /** Shows so many older ones. What is shown then stays while new ones come, until `showLatest`. Never rejects: see `olderError`. */
  readonly loadOlder: () => Promise<void>;
  readonly isLoadingOlder: boolean;
  /** Why older ones did not come. */
  readonly olderError: unknown;
  /** Back to the newest alone, as when the reader is at the end again. */
  readonly showLatest: () => void;
  /** Shown at once. Never rejects: null, and `failed` in the list, where `room.publish` would have. */
  readonly publish: (message: NewMessage<Data>) => Promise<Ack | null>;
  /** Sends a failed one again, under its nonce. */
  readonly retry: (nonce: string) => Promise<Ack | null>;
  /** Takes a failed one out of the list. */
  readonly discard: (nonce: string) => void;
}

/** Tells one component when to look again, and gives the same value while nothing of it has changed. */
export class MessageWindow<Data> {
  readonly #store: RoomStore<Data>;
  readonly #size: number;
  /** The first one that is shown; null for the newest alone. */
  #from: number | null = null;
  #loading: AbortController | null = null;
  #error: unknown = null;
  #listener: (() => void) | null = null;
  #select!: (state: RoomState<Data>) => MessagesView<Data>;

  constructor(store: RoomStore<Data>, size: number) {
    this.#store = store;
    this.#size = size;
    this.#changed();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    const end = this.#store.subscribe(listener);
    this.#listener = listener;
    return () => {
      end();
      this.#listener = null;
      this.#loading?.abort();
      this.#loading = null;
    };
  };

  readonly get = (): MessagesView<Data> => this.#select(this.#store.state);

  readonly getBefore = (): MessagesView<Data> => this.#select(this.#store.before);

  readonly loadOlder = async (): Promise<void> => {
    const { room } = this.#store;
    if (this.#loading !== null) return;
    const first = this.#firstOf(room.snapshot.messages);
    // New ones may come meanwhile, and nothing of what is shown is to move.
    this.#from = room.snapshot.messages[first]?.id ?? null;
    this.#error = null;
    if (first < this.#size && room.snapshot.hasMore) {
      const { signal } = (this.#loading = new AbortController());
      this.#changed();
      const asked = room.history({ limit: Math.min(this.#size, 200), signal });
      await asked.catch((error: unknown) => (this.#error = error));
      if (signal.aborted) return;
      this.#loading = null;
    }
    const { messages } = room.snapshot;
    this.#from = messages[Math.max(0, this.#firstOf(messages) - this.#size)]?.id ?? null;
    this.#changed();
  };

  readonly showLatest = (): void => {
    if (this.#from === null) return;
    this.#from = null;
    this.#changed();
  };

  #changed(): void {
    this.#select = steady((state) => this.#show(state));
    this.#listener?.();
  }

  #show({ snapshot: { status, error, hasMore, messages }, stored, sending }: RoomState<Data>): MessagesView<Data> {
    const first = this.#firstOf(messages);
    const { publish, retry, discard } = this.#store;
    return {
      messages: [...stored.slice(first), ...sending],
      status,
      error,
      hasMore: first > 0 || hasMore,
      isLoadingOlder: this.#loading !== null,
      olderError: this.#error,
      loadOlder: this.loadOlder,
      showLatest: this.showLatest,
      publish,
      retry,
      discard,
    };
  }

  #firstOf(messages: readonly Message<Data>[]): number {
    const newest = Math.max(0, messages.length - this.#size);
    const from = this.#from ?? Infinity;
    const found = messages.findIndex(({ id }) => id >= from);
    // Of another history, which counts anew, the newest are shown all the same.
    return found < 0 ? newest : Math.min(found, newest);
  }
}
