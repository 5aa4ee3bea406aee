/** What is asked of a room over HTTP, whatever connection there is. Loaded when the first of it is asked. */
import type { Member, Message as WireMessage } from "../protocol/message.ts";
import type { Page, PresentMember } from "../protocol/serverFrames.ts";
import type { Copy } from "./copy.ts";
import type { Http } from "./http.ts";
import type { HistoryOptions, HistoryPage, Room, SearchOptions, SearchPage, Waitable } from "./room.ts";
import type { Presence } from "./presence.ts";
import type { Message, Snapshots } from "./snapshot.ts";

const pageMax = 200;
/** Of who is here: beyond it there is a sample. */
const presentMax = 1_000;

/** What the deeds know of the room that they are of. */
export interface DeedsOptions<Data> {
  readonly room: string;
  readonly http: Http;
  readonly copy: Copy;
  readonly present: Presence;
  readonly snapshots: Snapshots<Data>;
  readonly onChange: () => void;
}

export class Deeds<Data> {
  readonly #http: Http;
  readonly #path: string;
  readonly #options: DeedsOptions<Data>;
  /** Texts that were asked for. */
  readonly #missing = new Set<number>();

  constructor(options: DeedsOptions<Data>) {
    this.#options = options;
    this.#http = options.http;
    this.#path = `/v1/rooms/${options.room}`;
  }

  async edit(id: number, { signal, ...body }: Parameters<Room<Data>["edit"]>[1]): Promise<Message<Data> | null> {
    const { message } = await this.#onMessage("PATCH", id, "", { body, signal });
    return message === null ? null : this.#options.snapshots.typed(message);
  }

  async delete(id: number, { redact, signal }: { readonly redact?: boolean } & Waitable = {}): Promise<void> {
    await this.#onMessage("DELETE", id, "", { query: { redact: redact === true ? "true" : undefined }, signal });
  }

  async react(method: "PUT" | "DELETE", id: number, emoji: string, { signal }: Waitable = {}): Promise<void> {
    await this.#onMessage(method, id, `/reactions/${encodeURIComponent(emoji)}`, { signal });
  }

  async cancel(id: number, { signal, ...body }: { readonly reason?: string } & Waitable = {}): Promise<void> {
    await this.#onMessage("POST", id, "/cancel", { body, signal });
  }

  /** The text so far of a message that is being streamed. */
  async fillText(id: number): Promise<void> {
    if (this.#missing.has(id)) return;
    this.#missing.add(id);
    const { message } = await this.#onMessage("GET", id, "", {}).finally(() => this.#missing.delete(id));
    if (typeof message?.text === "string") this.#options.copy.receive({ type: "snapshot", id, text: message.text });
    this.#options.onChange();
  }

  async fillPresent(signal: AbortSignal): Promise<void> {
    const { present, onChange } = this.#options;
    const kept = present.asked();
    present.merge(kept, await this.#present(signal).catch(() => null));
    onChange();
  }

  async history(options: HistoryOptions = {}): Promise<HistoryPage<Data>> {
    const { signal, ...query } = options;
    const isOwn = query.before === undefined && query.after === undefined && query.around === undefined;
    const { copy, snapshots, onChange } = this.#options;
    const request = isOwn ? copy.askPage() : null;
    // Nothing is older, or it is on its way.
    if (isOwn && request === null && copy.start !== null) return { messages: [], hasMore: copy.hasMore };
    const bounds = request === null ? query : { ...query, before: request.before };
    const asked = this.#http.call<Page>("GET", `${this.#path}/messages`, { query: bounds, signal });
    const page = await asked.catch((error: unknown) => {
      if (request !== null) copy.forgoPage(request);
      throw error;
    });
    if (request !== null && !copy.mergePage(request, page)) {
      // Of another history than is held: asked for again before that has come, it would be so for ever.
      const isForeign = copy.start === request.before && copy.askMembers().generation === request.generation;
      return isForeign ? { messages: [], hasMore: copy.hasMore } : this.history(options);
    }
    if (request !== null) onChange();
    const messages = page.messages.map((message) => snapshots.typed(message));
    return { messages, hasMore: request === null ? page.hasMore : copy.hasMore };
  }

  async search(text: string, { signal, ...query }: SearchOptions = {}): Promise<SearchPage<Data>> {
    const asked = { query: { q: text, ...query }, signal };
    const { items, next, complete } = await this.#http.call<FoundPage>("GET", `${this.#path}/search`, asked);
    const shown = items.map(({ message, ...item }) => ({ ...item, message: this.#options.snapshots.typed(message) }));
    return { items: shown, complete, ...(next === undefined ? {} : { next }) };
  }

  read(upTo: number): Promise<void> {
    return this.#http.call("PUT", `${this.#path}/read`, { body: { upTo } });
  }

  async members({ signal }: Waitable = {}): Promise<readonly Member[]> {
    const { copy, onChange } = this.#options;
    const request = copy.askMembers();
    const members: Member[] = [];
    for (let after: string | undefined; ;) {
      const query = { after, limit: pageMax };
      const page: MembersPage = await this.#http.call("GET", `${this.#path}/members`, { query, signal });
      members.push(...page.items);
      after = page.next;
      if (after !== undefined) continue;
      if (copy.mergeMembers(request, members, page.cursor)) onChange();
      return members.filter(({ role }) => role !== null);
    }
  }

  /** As of the version of its first page: what changed before the last one comes as a difference once more. */
  async #present(signal: AbortSignal): Promise<{ readonly version: number; readonly members: PresentMember[] }> {
    const members: PresentMember[] = [];
    let version: number | undefined;
    for (let after: string | undefined; ;) {
      const query = { after, limit: pageMax };
      const page: PresentPage = await this.#http.call("GET", `${this.#path}/presence`, { query, signal });
      version ??= page.version;
      members.push(...page.items);
      after = page.next;
      if (after === undefined || members.length >= presentMax) return { version, members };
    }
  }

  #onMessage(method: string, id: number, rest: string, call: Parameters<Http["call"]>[2]): Promise<Answer> {
    return this.#http.call<Answer>(method, `${this.#path}/messages/${id}${rest}`, call);
  }
}

interface Answer {
  readonly message: WireMessage | null;
}
interface FoundPage extends Omit<SearchPage, "items"> {
  readonly items: readonly (Omit<SearchPage["items"][number], "message"> & { readonly message: WireMessage })[];
}
interface MembersPage {
  readonly items: readonly Member[];
  readonly next?: string;
  readonly cursor: string;
}
interface PresentPage {
  readonly version: number;
  readonly items: readonly PresentMember[];
  readonly next?: string;
}
