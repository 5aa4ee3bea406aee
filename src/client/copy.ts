/** What a client holds of a room, kept by the reader's rule of the protocol. It knows no time and no connection. */
import type { Change, ChangesFrame } from "../protocol/changes.ts";
import type { Member, Message, MessagePatch, RoomSettings } from "../protocol/message.ts";
import type { Page, ServerFrame, WelcomeFrame } from "../protocol/serverFrames.ts";

/**
 * What a frame has brought. `hole`: something is missing, come back with the cursor. `snapshot`: the text of this message is
 * needed. `fresh`: messages that nobody was shown before, not those with which a reset begins.
 */
export interface Outcome {
  readonly hole?: true;
  readonly snapshot?: number;
  readonly fresh?: readonly Message[];
}

/** A frame as it is parsed: an absent field may also be there and undefined. */
type Changes = Pick<ChangesFrame, "from" | "to" | "changes"> & { readonly reset?: true | undefined };

/** A page that was asked for and has not arrived. */
export interface PageRequest {
  readonly before: number;
  readonly generation: number;
}

export interface MembersRequest {
  readonly generation: number;
}

const nothing: Outcome = {};
const hole: Outcome = { hole: true };

export class Copy {
  readonly messages = new Map<number, Message>();
  readonly members = new Map<string, Member>();
  settings: RoomSettings | null = null;
  /** Every message from this id on is held, where it is not below `oldest`. Null before anything has come. */
  start: number | null = null;
  oldest = 1;
  /** The highest id of a message that has come; 0 before that. */
  newest = 0;
  /** How many messages to keep; what pages have brought comes on top. */
  readonly #keep: number;
  #paged = 0;
  #epoch: string | null = null;
  #seq = 0;
  #settingsSeq = 0;
  #beginning: WelcomeFrame | null = null;
  #mustReset = false;
  /** What a reset brings was said before. */
  #isBacklog = false;
  /** Grows with every reset, so that an answer to an earlier question is known. */
  #generation = 0;
  /** Changes of messages that are not held, while a page is asked for. */
  #kept: (Message | MessagePatch)[] | null = null;

  constructor(keep = Infinity) {
    this.#keep = keep;
  }

  /** What to come back with; null before anything has arrived. */
  get cursor(): string | null {
    return this.#epoch === null ? null : `${this.#epoch}:${this.#seq}`;
  }

  /** Whether there are older messages than those that are held. */
  get hasMore(): boolean {
    return this.start !== null && this.start > this.oldest;
  }

  /** Whether all is held that there was when the connection began. */
  get isWhole(): boolean {
    return this.#beginning !== null && !this.#mustReset && this.#seq >= this.#beginning.head;
  }

  /** A new connection: its frames come next. */
  opened(): void {
    this.#beginning = null;
  }

  receive(frame: ServerFrame): Outcome {
    const { type } = frame;
    if (type === "welcome") return this.#welcome(frame);
    if (type === "changes") return this.#changes(frame);
    if (type === "delta") return this.#grow(frame.id, frame.at, frame.text);
    return type === "snapshot" ? this.#grow(frame.id, 0, frame.text) : nothing;
  }

  #welcome(frame: WelcomeFrame): Outcome {
    this.#beginning = frame;
    this.#mustReset = !frame.resumed;
    if (frame.resumed && frame.epoch !== this.#epoch) return hole;
    if (frame.resumed) this.#raiseOldest(frame.oldest);
    return nothing;
  }

  #changes(frame: Changes): Outcome {
    const { from, to, changes, reset } = frame;
    if (this.#beginning === null) return hole;
    if (reset === true) this.#reset(this.#beginning);
    // Not resumed, and yet not begun anew: it would be laid over what is perhaps another history.
    if (this.#mustReset) return hole;
    if (from > this.#seq) return hole;
    if (this.isWhole) this.#isBacklog = false;
    if (to <= this.#seq) return nothing;
    const isBacklog = this.#isBacklog;
    const cursor = this.#seq;
    const fresh: Message[] = [];
    for (const change of changes) {
      if (rowOf(change).seq <= cursor) continue;
      const added = this.#apply(change);
      if (added !== null && !isBacklog) fresh.push(added);
    }
    this.#seq = to;
    if (this.isWhole) this.#isBacklog = false;
    this.#trim();
    return fresh.length === 0 ? nothing : { fresh };
  }

  #reset({ epoch, start, oldest, settings }: WelcomeFrame): void {
    this.messages.clear();
    this.members.clear();
    this.#kept = null;
    this.#paged = this.newest = 0;
    this.#generation++;
    this.#mustReset = false;
    this.#isBacklog = true;
    this.#epoch = epoch;
    this.#seq = 0;
    this.start = start ?? oldest;
    this.oldest = oldest;
    this.settings = settings;
    this.#settingsSeq = 0;
  }

  /** Gives a message that was not held before. */
  #apply(change: Change): Message | null {
    if (change.type === "message") return this.#mergeMessage(change.message);
    if (change.type === "member") this.#mergeMember(change.member);
    else {
      const { seq, oldest, ...settings } = change.room;
      if (seq > this.#settingsSeq) {
        this.#settingsSeq = seq;
        this.settings = settings;
      }
      this.#raiseOldest(oldest);
    }
    return null;
  }

  #mergeMessage(message: Message | MessagePatch): Message | null {
    const held = this.messages.get(message.id);
    if (held === undefined) {
      this.#kept?.push(message);
      if (!isWhole(message)) return null;
      if (this.start !== null && message.id < this.start) return null;
      this.messages.set(message.id, message);
      this.newest = Math.max(this.newest, message.id);
      return message;
    }
    if (message.seq <= held.seq) return null;
    this.messages.set(message.id, { ...held, ...message } as Message);
    return null;
  }

  #mergeMember(member: Member): void {
    const held = this.members.get(member.user);
    if (held !== undefined && member.seq <= held.seq) return;
    this.members.set(member.user, member);
  }

  #raiseOldest(oldest: number): void {
    this.oldest = Math.max(this.oldest, oldest);
    for (const id of this.messages.keys()) if (id < this.oldest) this.messages.delete(id);
  }

  /** The window ends where the oldest that is kept begins: what lies below is as if it had never been read. */
  #trim(): void {
    const over = this.messages.size - this.#keep - this.#paged;
    if (over <= 0 || this.#kept !== null) return;
    const ids = [...this.messages.keys()].sort((one, other) => one - other);
    for (const id of ids.slice(0, over)) this.messages.delete(id);
    this.start = Math.max(this.start ?? 1, ids[over] ?? 1);
  }

  // A message being streamed. Its text grows without a seq; its end is a change as any other.

  #grow(id: number, at: number, text: string): Outcome {
    const held = this.messages.get(id);
    if (held?.status !== "streaming") return nothing;
    const before = held.text ?? "";
    if (at > before.length) return { snapshot: id };
    this.messages.set(id, { ...held, text: before.slice(0, at) + text });
    return nothing;
  }

  // What is asked for besides.

  /** The older messages to ask for, or null where there are none or they are asked for already. */
  askPage(): PageRequest | null {
    if (this.start === null || !this.hasMore || this.#kept !== null) return null;
    this.#kept = [];
    return { before: this.start, generation: this.#generation };
  }

  /** It will not come. */
  forgoPage({ generation }: PageRequest): void {
    if (generation === this.#generation) this.#kept = null;
  }

  /** False when it came too late to be used: whatever it was read from has changed. */
  mergePage(request: PageRequest, page: Page): boolean {
    const { before, generation } = request;
    const stale = !this.#isOfThisHistory(page.cursor) || before !== this.start || generation !== this.#generation;
    if (stale) {
      this.forgoPage(request);
      return false;
    }
    const kept = this.#kept ?? [];
    this.#kept = null;
    const start = Math.min(before, page.start ?? before);
    this.start = start;
    const heldBefore = this.messages.size;
    for (const message of page.messages) this.#mergeMessage(message);
    for (const change of kept) if (change.id >= start && change.id < before) this.#mergeMessage(change);
    this.#raiseOldest(this.oldest);
    this.#paged += this.messages.size - heldBefore;
    return true;
  }

  askMembers(): MembersRequest {
    return { generation: this.#generation };
  }

  /** False when they are of another history: ask again. */
  mergeMembers({ generation }: MembersRequest, members: readonly Member[], cursor: string): boolean {
    if (!this.#isOfThisHistory(cursor) || generation !== this.#generation) return false;
    for (const member of members) this.#mergeMember(member);
    return true;
  }

  #isOfThisHistory(cursor: string): boolean {
    return cursor.split(":")[0] === this.#epoch;
  }
}

/** A message is told whole when it is new or replayed; otherwise a patch has only what changed. */
function isWhole(message: Message | MessagePatch): message is Message {
  return message.createdAt !== undefined;
}

function rowOf(change: Change): { readonly seq: number } {
  return change.type === "message" ? change.message : change.type === "member" ? change.member : change.room;
}
