/** A reader of the wire: the reader's rule of the protocol, of which any part can be left out to see what it is for. */
import type { Change, ChangesFrame } from "../../src/protocol/changes.ts";
import { formatCursor, parseCursor, type Position } from "../../src/protocol/cursor.ts";
import {
  defaultRoomSettings,
  type Member,
  type Message,
  type MessagePatch,
  type RoomSettings,
} from "../../src/protocol/message.ts";
import type { Page, ServerFrame } from "../../src/protocol/serverFrames.ts";

export const everyRule = {
  /** Messages merge by id: the larger seq wins, an equal or smaller one is ignored. */
  rowSeqGuard: true,
  /** Members merge by user in the same way. */
  memberSeqGuard: true,
  /** While a page is asked for, changes of messages that are not held are kept and laid over it. */
  pageStash: true,
  /** A page is dropped if the epoch, a reset or its window changed since it was asked for; members too, then asked again. */
  pageEpoch: true,
  /** A whole message below `start` that is not held is not inserted. */
  windowStart: true,
  /** A reset drops everything, whatever the cursor. */
  resetAnyFrom: true,
  /** Messages below `oldest` are dropped. */
  oldestChange: true,
  /** A message is dropped at its `expiresAt`. */
  expiresAt: true,
  /** `from` > cursor: something is missing, reconnect. */
  holes: true,
  /** The mark of a room that woke is such a frame too. */
  wakeMark: true,
  /** Of an overlapping frame only what is above the cursor is applied. */
  perChangeSeq: true,
};
export type Rules = Readonly<Record<keyof typeof everyRule, boolean>>;

/** A frame as it is parsed: an absent field may also be there and undefined. */
type Changes = Pick<ChangesFrame, "from" | "to" | "changes"> & { readonly reset?: true | undefined };

/** What a reset begins with. */
interface Beginning {
  readonly epoch: string;
  readonly start: number;
  readonly oldest: number;
  readonly settings: RoomSettings;
}

/** An answer of `GET …/changes`. */
export interface ChangesAnswer extends Changes {
  readonly cursor: string;
  readonly hasMore: boolean;
  readonly oldest: number;
  readonly start?: number;
  readonly gap?: { readonly reason: string };
}

/** A page that was asked for and has not arrived. */
export interface PageRequest {
  readonly ref: string;
  readonly before: number;
  readonly generation: number;
}

export class Reader {
  readonly #rules: Rules;
  #position: Position | null = null;
  #start: number | null = null;
  #oldest = 1;
  #room: { readonly seq: number; readonly settings: RoomSettings } | null = null;
  readonly #messages = new Map<number, Message>();
  readonly #members = new Map<string, Member>();

  /** Of the connection: what a reset would begin with. */
  #beginning: Beginning | null = null;
  #mustReconnect = false;
  /** Grows with every reset, so that an answer to an earlier question is known. */
  #generation = 0;
  #wantsMembers = false;
  readonly #asked = new Map<string, PageRequest>();
  #refs = 0;
  /** Changes of messages that are not held, while a page is asked for. */
  #kept: { readonly ref: string; readonly overSocket: boolean; readonly changes: (Message | MessagePatch)[] } | null =
    null;
  /** Messages being streamed of whose text something is missing. */
  readonly #torn = new Set<number>();
  /** What no server that keeps the protocol would have sent. */
  readonly #complaints: string[] = [];

  constructor(rules: Rules = everyRule) {
    this.#rules = rules;
  }

  /** What to come back with; null before anything has arrived. */
  get cursor(): string | null {
    return this.#position === null ? null : formatCursor(this.#position);
  }

  /** Every message from this id on is held, where it is not below `oldest`. */
  get start(): number | null {
    return this.#start;
  }

  get oldest(): number {
    return this.#oldest;
  }

  get settings(): RoomSettings | null {
    return this.#room?.settings ?? null;
  }

  /** Something is missing: the connection is to be closed and another opened with the cursor. */
  get mustReconnect(): boolean {
    return this.#mustReconnect;
  }

  get wantsMembers(): boolean {
    return this.#wantsMembers;
  }

  /** For which `snapshot` is to be asked. Each is named once. */
  takeTorn(): number[] {
    const torn = [...this.#torn].filter((id) => this.#messages.get(id)?.status === "streaming");
    this.#torn.clear();
    return torn;
  }

  get complaints(): readonly string[] {
    return this.#complaints;
  }

  messages(nowMs: number): Message[] {
    return [...this.#messages.values()]
      .filter(({ expiresAt }) => !this.#rules.expiresAt || expiresAt === null || expiresAt > nowMs)
      .sort((one, other) => one.id - other.id);
  }

  members(): Member[] {
    return [...this.#members.values()]
      .filter(({ role }) => role !== null)
      .sort((one, other) => (one.user < other.user ? -1 : 1));
  }

  // A connection.

  /** A new connection: its frames come next. */
  opened(): void {
    this.#beginning = null;
    this.#mustReconnect = false;
  }

  /** The connection is gone, and with it a page that it would have brought. */
  closed(): void {
    if (this.#kept?.overSocket === true) this.#kept = null;
  }

  receive(frame: ServerFrame): void {
    if (frame.type === "welcome") {
      const { epoch, oldest, settings } = frame;
      this.#beginning = { epoch, oldest, settings, start: frame.start ?? oldest };
      if (frame.resumed) this.#raiseOldest(oldest);
    } else if (frame.type === "changes") {
      if (this.#beginning === null) this.#mustReconnect = true;
      else this.#apply(frame, this.#beginning);
    } else if (frame.type === "page") {
      const request = this.#asked.get(frame.ref);
      if (request !== undefined) this.mergePage(request, frame);
    } else if (frame.type === "delta") this.#grow(frame);
    else if (frame.type === "snapshot") this.#replace(frame.id, frame.text);
    // Acks, receipts and errors say nothing of the room's state.
  }

  /** A page of `GET …/changes`, which brings its own beginning. Its settings are the default where no row says otherwise. */
  receiveChanges(answer: ChangesAnswer): void {
    const position = parseCursor(answer.cursor);
    if (position === null) throw new Error(`no cursor: ${answer.cursor}`);
    const { oldest } = answer;
    this.#beginning = {
      epoch: position.epoch,
      start: answer.start ?? oldest,
      oldest,
      settings: defaultRoomSettings,
    };
    if (answer.reset === undefined) this.#raiseOldest(oldest);
    this.#apply(answer, this.#beginning);
    if (!this.#mustReconnect) this.#position = position;
  }

  #apply(frame: Changes, beginning: Beginning): void {
    this.#inspect(frame);
    if (frame.reset === true) this.#reset(frame, beginning);
    if (this.#position === null) {
      this.#mustReconnect = true;
      return;
    }
    const { from, to, changes } = frame;
    const isMark = from === to && frame.reset === undefined;
    if (isMark && !this.#rules.wakeMark) return;
    if (from > this.#position.seq && this.#rules.holes) {
      this.#mustReconnect = true;
      return;
    }
    if (to <= this.#position.seq) return;
    for (const change of changes) this.#applyChange(change, this.#position.seq);
    this.#position = { epoch: this.#position.epoch, seq: to };
  }

  #inspect({ from, to, changes }: Changes): void {
    let last = from;
    for (const change of changes) {
      const seq = rowOf(change).seq;
      if (seq <= last || seq > to) this.#complaints.push(`seq ${seq} after ${last} in a frame from ${from} to ${to}`);
      last = seq;
    }
  }

  #reset({ from }: Changes, { epoch, start, oldest, settings }: Beginning): void {
    if (this.#rules.resetAnyFrom) {
      this.#clear();
      this.#position = { epoch, seq: 0 };
    } else if (this.#position?.epoch !== epoch) {
      this.#clear();
      this.#position = { epoch, seq: 0 };
    } else {
      this.#position = { epoch, seq: Math.max(this.#position.seq, from) };
    }
    this.#start = start;
    this.#oldest = oldest;
    this.#room = { seq: 0, settings };
    this.#wantsMembers = true;
  }

  #clear(): void {
    this.#messages.clear();
    this.#members.clear();
    this.#kept = null;
    this.#generation++;
  }

  #applyChange(change: Change, cursor: number): void {
    if (this.#rules.perChangeSeq && rowOf(change).seq <= cursor) return;
    if (change.type === "message") this.#mergeMessage(change.message);
    else if (change.type === "member") this.#mergeMember(change.member);
    else {
      const { seq, oldest, ...settings } = change.room;
      if (this.#room === null || seq > this.#room.seq) this.#room = { seq, settings };
      this.#raiseOldest(oldest);
    }
  }

  #mergeMessage(message: Message | MessagePatch): void {
    const held = this.#messages.get(message.id);
    if (held === undefined) {
      if (this.#rules.pageStash) this.#kept?.changes.push(message);
      if (!isWhole(message)) return;
      if (this.#rules.windowStart && this.#start !== null && message.id < this.#start) return;
      this.#messages.set(message.id, message);
      return;
    }
    if (this.#rules.rowSeqGuard && message.seq <= held.seq) return;
    if (message.seq < held.seq) this.#complaints.push(`message ${held.id} went from ${held.seq} to ${message.seq}`);
    this.#messages.set(message.id, { ...held, ...message } as Message);
  }

  /** Cut at `at`, then added; what is missing before it is asked for. */
  #grow({ id, at, text }: { readonly id: number; readonly at: number; readonly text: string }): void {
    const held = this.#messages.get(id)?.text ?? "";
    if (at > held.length) this.#torn.add(id);
    else this.#replace(id, held.slice(0, at) + text);
  }

  #replace(id: number, text: string): void {
    const held = this.#messages.get(id);
    if (held?.status === "streaming") this.#messages.set(id, { ...held, text });
  }

  #mergeMember(member: Member): void {
    const held = this.#members.get(member.user);
    if (held === undefined || member.seq > held.seq || !this.#rules.memberSeqGuard)
      this.#members.set(member.user, member);
  }

  #raiseOldest(oldest: number): void {
    if (!this.#rules.oldestChange) return;
    this.#oldest = Math.max(this.#oldest, oldest);
    for (const id of this.#messages.keys()) if (id < this.#oldest) this.#messages.delete(id);
  }

  // What is asked for besides: older messages, and after a reset the members.

  /** The older messages to ask for, or null where there are none or they are asked for already. */
  askPage({ overSocket }: { readonly overSocket: boolean }): PageRequest | null {
    if (this.#position === null || this.#start === null || this.#start <= this.#oldest || this.#kept !== null)
      return null;
    const request = { ref: `page-${++this.#refs}`, before: this.#start, generation: this.#generation };
    this.#asked.set(request.ref, request);
    this.#kept = { ref: request.ref, overSocket, changes: [] };
    return request;
  }

  /** Whenever it arrives: much may have happened since it was asked for, and since it was read. */
  mergePage({ ref, before, generation }: PageRequest, page: Page): void {
    this.#asked.delete(ref);
    const epoch = parseCursor(page.cursor)?.epoch;
    const stale = epoch !== this.#position?.epoch || before !== this.#start || generation !== this.#generation;
    if (stale && this.#rules.pageEpoch) {
      if (this.#kept?.ref === ref) this.#kept = null;
      return;
    }
    const kept = this.#kept?.changes ?? [];
    this.#kept = null;
    // A page that may lie apart from the window has no start; this reader asks only for what comes before its own.
    const start = Math.min(this.#start ?? Infinity, page.start ?? Infinity);
    this.#start = start;
    for (const message of page.messages) {
      this.#mergeMessage(message);
      // What it grew by meanwhile was told to those who held it.
      if (message.status === "streaming") this.#torn.add(message.id);
    }
    for (const change of kept) if (change.id >= start && change.id < before) this.#mergeMessage(change);
    this.#raiseOldest(this.#oldest);
  }

  askMembers(): { readonly generation: number } {
    this.#wantsMembers = false;
    return { generation: this.#generation };
  }

  mergeMembers(
    { generation }: { readonly generation: number },
    { members, cursor }: { readonly members: readonly Member[]; readonly cursor: string },
  ): void {
    const stale = parseCursor(cursor)?.epoch !== this.#position?.epoch || generation !== this.#generation;
    if (stale && this.#rules.pageEpoch) {
      this.#wantsMembers = true;
      return;
    }
    for (const member of members) this.#mergeMember(member);
  }
}

/** A message is told whole when it is new or replayed; otherwise a patch has only what changed. */
function isWhole(message: Message | MessagePatch): message is Message {
  return message.createdAt !== undefined;
}

function rowOf(change: Change): { readonly seq: number } {
  switch (change.type) {
    case "message":
      return change.message;
    case "member":
      return change.member;
    case "room":
      return change.room;
  }
}
