/** Who is here: counted from the open sockets and from nothing else, told in diffs, at most five a second. */
import { fixedLimits } from "../../protocol/limits.ts";
import type { Session } from "../../protocol/session.ts";
import type { PresencePage, WelcomeFrame } from "../../protocol/serverFrames.ts";
import type { User } from "./announced.ts";
import { Bulletin, type Diff } from "./bulletin.ts";
import type { Log } from "./log.ts";
import { entrust, memberOf, nameOf, type Present, takesPart } from "./present.ts";
import type { Entry } from "./queue.ts";
import { type Doorkeeper, inscribe, type Seat } from "./roster.ts";
import type { Leaver } from "./store/leavers.ts";
import type { Store } from "./store/store.ts";

/** What a fold has found. */
interface Review extends Diff {
  /** To be written down, and those of whom nothing needs to be written any more. */
  readonly leaving: Leaver[];
  readonly settled: string[];
}

export class Presence implements Doorkeeper {
  readonly #present = new Map<string, Present>();
  /** Users of whom there may be something to tell. */
  readonly #stirred = new Map<string, Present>();
  /** In the order in which they will be gone. */
  readonly #leaving = new Set<Present>();
  readonly #bulletin = new Bulletin(this.#present);
  readonly #due: () => void;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** Sorted when a page is asked for, and kept until somebody comes or goes. */
  #inOrder: readonly Present[] | null = null;
  #foldedAtMs = -Infinity;

  /** `due` is called when a fold that was put off can be made. */
  constructor(due: () => void) {
    this.#due = due;
  }

  get count(): number {
    return this.#present.size;
  }

  get users(): User[] {
    return [...this.#present.values()].map(({ user, name }) => ({ user, name }));
  }

  /** When the next user is gone, unless he comes back; null where nobody is leaving. */
  get dueMs(): number | null {
    for (const { goneAtMs } of this.#leaving) return goneAtMs;
    return null;
  }

  /**
   * After waking, when the roster was rebuilt: what cannot be seen from the sockets. Who was `announced` to webhook endpoints and is
   * not here was lost with the server: such a user is leaving like one whose last socket went just now.
   */
  recover(
    store: Store,
    { membersMax, announced }: { readonly membersMax: number; readonly announced: readonly User[] },
    nowMs: number,
  ): void {
    const leavers = store.leavers.all();
    const known = new Set([...this.#present.keys(), ...leavers.map(({ user }) => user)]);
    const lost = announced
      .filter(({ user }) => !known.has(user))
      .map((user) => ({ ...user, state: null, goneAtMs: nowMs + fixedLimits.presenceGraceMs }));
    for (const { user, name, state, goneAtMs } of [...leavers, ...lost]) {
      const present = this.#present.get(user) ?? this.#admit(user, name);
      present.told ??= { name, state };
      present.written = true;
      if (present.seats.size > 0) continue;
      // Not longer, where the clock was set back meanwhile.
      Object.assign(present, { state, goneAtMs: Math.min(goneAtMs, nowMs + fixedLimits.presenceGraceMs) });
      this.#leaving.add(present);
    }
    for (const present of this.#present.values()) {
      if (present.told === null) continue;
      present.told = { name: present.name, state: present.state };
      if (!present.written) this.#stirred.delete(present.user);
    }
    this.#bulletin.recover(store.presenceVersion, membersMax);
  }

  // What happens.

  enter(seat: Seat): void {
    const { user, name } = seat.session;
    if (user === null || !takesPart(seat)) return;
    const present = this.#present.get(user) ?? this.#admit(user, name);
    present.seats.add(seat);
    present.name = nameOf(present);
    present.goneAtMs = null;
    this.#leaving.delete(present);
    const { state, told } = seat.attachment;
    if (state !== null && state.setAtMs >= (present.state?.setAtMs ?? 0))
      Object.assign(present, { state, keeper: seat });
    else if (present.keeper === null) entrust(present, seat);
    if (told) present.told ??= { name, state };
    this.#stirred.set(user, present);
  }

  leave(seat: Seat): void {
    const present = this.#present.get(seat.session.user ?? "");
    if (present === undefined || !present.seats.delete(seat)) return;
    if (present.keeper === seat) {
      const [heir] = present.seats;
      present.keeper = null;
      if (heir !== undefined) entrust(present, heir);
    }
    present.name = nameOf(present);
    this.#stirred.set(present.user, present);
  }

  /** It may have the capability now, or no longer, or another name. */
  reseat(seat: Seat, before: Session): void {
    const tookPart = takesPart({ session: before });
    if (!takesPart(seat)) {
      if (!tookPart) return;
      this.leave(seat);
      // If it comes back it does so like anybody else.
      inscribe(seat, { told: false, state: null });
    } else if (!tookPart) this.enter(seat);
    else {
      const present = this.#present.get(seat.session.user ?? "");
      if (present === undefined) throw new Error("who takes part is present");
      present.name = nameOf(present);
      this.#stirred.set(present.user, present);
    }
  }

  /** Of a seat that takes part. */
  set(seat: Seat, value: unknown, nowMs: number): void {
    const present = this.#present.get(seat.session.user ?? "");
    if (present === undefined) throw new Error("who takes no part has no state");
    // The newest wins after waking too, also within a millisecond and where the clock was set back.
    present.state = { value, setAtMs: Math.max(nowMs, (present.state?.setAtMs ?? 0) + 1) };
    entrust(present, seat);
    this.#stirred.set(present.user, present);
  }

  /** The time of some has come: the next fold lets go of them, unless they come back before it. */
  expire(nowMs: number): void {
    for (const present of this.#leaving) {
      if ((present.goneAtMs ?? Infinity) > nowMs) continue;
      this.#leaving.delete(present);
      this.#stirred.set(present.user, present);
    }
  }

  /** The room is no more. */
  forget(): void {
    this.rest();
    this.#present.clear();
    this.#inOrder = null;
    this.#stirred.clear();
    this.#leaving.clear();
    this.#bulletin.forget();
  }

  /** By which a user's connections are told apart: the name of the newest counts, also after waking. */
  orderOf(user: string | null, nowMs: number): number {
    const seats = this.#present.get(user ?? "")?.seats ?? [];
    return Math.max(nowMs, ...[...seats].map(({ attachment }) => attachment.order + 1));
  }

  // What is told.

  /**
   * The entry that tells what has changed since the last one, or null where there is nothing to tell yet: at once in a quiet
   * room, and in a storm one for each span.
   */
  fold(store: Store, membersMax: number, nowMs: number): Entry | null {
    if (this.#stirred.size === 0) return null;
    const spanMs = this.#bulletin.isCrowded ? fixedLimits.presenceCrowdFrameMs : fixedLimits.presenceFrameMs;
    const elapsedMs = nowMs - this.#foldedAtMs;
    // A clock that was set back is not waited for.
    if (elapsedMs >= 0 && elapsedMs < spanMs) {
      this.#foldAfter(spanMs - elapsedMs);
      return null;
    }
    this.rest();
    const review = this.#review(nowMs);
    const { joined, left, leaving, settled } = review;
    const { moved, news, turned } = this.#bulletin.issue(review, membersMax);
    if (this.#stirred.size > 0) this.#foldAfter(spanMs);
    if (!moved && news === null && leaving.length === 0 && settled.length === 0) return null;
    this.#foldedAtMs = nowMs;
    const { version } = this.#bulletin;
    const apply = (log: Log): ReturnType<Entry["apply"]> => {
      const nothing = { ok: true, id: 0, seq: 0, duplicate: true } as const;
      if (store.room === null || store.room.deletedAtMs !== null) return nothing;
      if (settled.length > 0) store.leavers.forget(settled);
      if (leaving.length > 0) store.leavers.save(leaving);
      if (moved) store.savePresenceVersion(version);
      if (news !== null) log.news(news);
      if (turned === "occupied") log.happened("room.occupied", {});
      for (const { user, name } of joined) log.happened("presence.joined", { user, name });
      for (const user of left) log.happened("presence.left", { user });
      if (turned === "vacated") log.happened("room.vacated", {});
      return { ok: true, id: 0, seq: 0, duplicate: false };
    };
    return { bytes: 0, apply, waiters: [] };
  }

  #foldAfter(delayMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      // Whatever the clock says that was set back meanwhile: another timer would keep the room awake for as long.
      this.#foldedAtMs = -Infinity;
      this.#due();
    }, delayMs);
  }

  /** Leaves no timer behind. */
  rest(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** For `welcome`: some of those who are here. */
  greeting(hears: Seat["hears"]): WelcomeFrame["presence"] {
    return this.#bulletin.greeting(hears);
  }

  /** In order of user, after this one. */
  page(after: string, limit: number): PresencePage {
    this.#inOrder ??= [...this.#present.values()].sort((one, other) => (one.user < other.user ? -1 : 1));
    const later = this.#inOrder.filter(({ user }) => user > after);
    const listed = later.slice(0, limit);
    const next = later.length > listed.length ? listed.at(-1)?.user : undefined;
    return {
      version: this.#bulletin.version,
      count: this.count,
      members: listed.map(memberOf),
      ...(next === undefined ? {} : { next }),
    };
  }

  #admit(user: string, name: string | null): Present {
    const seats = new Set<Seat>();
    const away = { goneAtMs: null, written: false };
    const present: Present = { user, name, seats, state: null, keeper: null, told: null, ...away };
    this.#present.set(user, present);
    this.#inOrder = null;
    return present;
  }

  #review(nowMs: number): Review {
    const review: Review = { joined: [], updated: [], left: [], leaving: [], settled: [] };
    // What is more waits for the next one: a frame must stay sendable.
    let units = 0;
    for (const [user, present] of this.#stirred) {
      units += user.length + JSON.stringify(present.state).length;
      if (units > fixedLimits.presenceFrameBytes) break;
      this.#stirred.delete(user);
      this.#look(present, review, nowMs);
    }
    return review;
  }

  #look(present: Present, review: Review, nowMs: number): void {
    const { user, name, seats, state, told, goneAtMs } = present;
    if (goneAtMs !== null && !this.#leaving.has(present)) {
      this.#present.delete(user);
      this.#inOrder = null;
      review.left.push(user);
      review.settled.push(user);
      return;
    }
    if (told === null) review.joined.push(present);
    else if (told.name !== name || told.state !== state) review.updated.push(present);
    present.told = { name, state };
    for (const seat of seats) if (!seat.attachment.told) inscribe(seat, { told: true });
    if (seats.size > 0 && present.written) {
      present.written = false;
      review.settled.push(user);
    } else if (seats.size === 0 && goneAtMs === null) {
      present.goneAtMs = nowMs + fixedLimits.presenceGraceMs;
      present.written = true;
      this.#leaving.add(present);
      review.leaving.push({ user, name, state, goneAtMs: present.goneAtMs });
    }
  }
}
