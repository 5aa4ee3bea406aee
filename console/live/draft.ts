/** What is being written in a room. Nothing of it is lost: not by a refusal, nor by what was typed meanwhile, nor by looking at another page. */
import { useSyncExternalStore } from "react";
import type { Message, Room } from "../../src/client/client.ts";

export interface Draft {
  readonly text: string;
  /** As it is typed; null where none goes with it. */
  readonly data: string | null;
  readonly files: readonly File[];
  readonly replyTo: Message | null;
}

/** What was refused while something else stood in the box. */
export interface Refused {
  readonly key: number;
  readonly draft: Draft;
  readonly error: unknown;
}

export interface Drafts {
  /** What stands in the box. */
  readonly draft: Draft;
  /** Why the box holds again what was sent from it; null where it does not. */
  readonly error: unknown;
  readonly refused: readonly Refused[];
}

/** What is being made of a message, over the version that it had then. */
export interface Edit {
  readonly text: string;
  /** As it is typed. */
  readonly data: string;
  readonly version: number;
}

const empty: Draft = { text: "", data: null, files: [], replyTo: null };

export function isEmpty({ text, data, files }: Draft): boolean {
  return text.trim() === "" && (data ?? "").trim() === "" && files.length === 0;
}

class DraftBox {
  #drafts: Drafts = { draft: empty, error: null, refused: [] };
  #keys = 0;
  /** By message. */
  readonly #edits = new Map<number, Edit>();
  readonly #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  readonly drafts = (): Drafts => this.#drafts;

  set(part: Partial<Draft>): void {
    this.#become({ draft: { ...this.#drafts.draft, ...part } });
  }

  /** Sends what stands in the box, and empties it. */
  send(room: Room): void {
    const { draft } = this.#drafts;
    if (isEmpty(draft)) return;
    this.#become({ draft: { ...empty, data: draft.data === null ? null : "" }, error: null });
    void this.#publish(room, draft);
  }

  /** Sends as it was what waits beside the box. */
  sendAgain(room: Room, { key, draft }: Refused): void {
    this.discard(key);
    void this.#publish(room, draft);
  }

  /** Takes it back into the box. Call it where the box is empty. */
  takeBack({ key, draft, error }: Refused): void {
    this.discard(key);
    this.#become({ draft, error });
  }

  discard(key: number): void {
    this.#become({ refused: this.#drafts.refused.filter((one) => one.key !== key) });
  }

  /** Null where none was begun. */
  edit(message: number): Edit | null {
    return this.#edits.get(message) ?? null;
  }

  keepEdit(message: number, edit: Edit): void {
    this.#edits.set(message, edit);
  }

  /** It is saved, or given up. */
  forgetEdit(message: number): void {
    this.#edits.delete(message);
  }

  async #publish(room: Room, draft: Draft): Promise<void> {
    try {
      await publish(room, draft);
    } catch (error) {
      const { draft: now, refused } = this.#drafts;
      const isFree = isEmpty(now) && now.replyTo === null;
      this.#become(isFree ? { draft, error } : { refused: [...refused, { key: ++this.#keys, draft, error }] });
    }
  }

  #become(part: Partial<Drafts>): void {
    this.#drafts = { ...this.#drafts, ...part };
    for (const listener of this.#listeners) listener();
  }
}

const boxes = new Map<string, DraftBox>();

/** Of this room, for as long as the same key is used. */
export function draftBox(room: string): DraftBox {
  const known = boxes.get(room) ?? new DraftBox();
  boxes.set(room, known);
  return known;
}

/** What one key has written is not for the next. */
export function forgetDrafts(): void {
  boxes.clear();
}

export function useDrafts(room: string): Drafts {
  const box = draftBox(room);
  return useSyncExternalStore(box.subscribe, box.drafts);
}

async function publish(room: Room, { text, data, files, replyTo }: Draft): Promise<void> {
  const parsed: unknown = data === null || data.trim() === "" ? null : JSON.parse(data);
  const uploads = await Promise.all(files.map((file) => room.upload(file)));
  await room.publish({
    ...(text === "" ? {} : { text }),
    ...(parsed === null ? {} : { data: parsed }),
    ...(replyTo === null ? {} : { replyTo: replyTo.id }),
    ...(uploads.length === 0 ? {} : { attachments: uploads.map(({ id }) => id) }),
  });
}
