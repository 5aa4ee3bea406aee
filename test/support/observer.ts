/** A reader of presence: what its welcome lists, and the diffs laid over it. Where the version has a hole, it asks. */
import type {
  PresenceFrame,
  PresencePage,
  PresentMember,
  ServerFrame,
  WelcomeFrame,
} from "../../src/protocol/serverFrames.ts";
import { eventually } from "./clock.ts";
import type { TestSocket } from "./socket.ts";

type PageFrame = PresencePage & { readonly type: "presence.page"; readonly ref: string };

let asked = 0;

export class Observer {
  readonly socket: TestSocket;
  /** What no server that keeps the protocol would have sent. */
  readonly complaints: string[] = [];
  count = 0;
  holes = 0;
  readonly #pageSize: number;
  readonly #crowdAbove: number;
  readonly #held = new Map<string, PresentMember>();
  #read = 0;
  #version = 0;
  /** Of the newest frame that had `joined` or `left`; null while all that is known was listed. */
  #toldVersion: number | null = null;
  /** It was the first here: whatever it holds, it was told. */
  #watched = false;
  #own: string | null = null;
  #crowd = false;
  #lacks = false;
  #asked: { readonly ref: string; readonly first: boolean } | null = null;

  constructor(
    socket: TestSocket,
    { pageSize = 200, crowdAbove = Infinity }: { readonly pageSize?: number; readonly crowdAbove?: number } = {},
  ) {
    this.socket = socket;
    this.#pageSize = pageSize;
    this.#crowdAbove = crowdAbove;
    this.read();
  }

  get version(): number {
    return this.#version;
  }

  /** Users of whom it knows only how many there are. */
  get crowded(): boolean {
    return this.#crowd;
  }

  /** By user, as JSON. */
  get states(): Record<string, string> {
    const states = [...this.#held.values()].map(({ user, state }): [string, string] => [user, JSON.stringify(state)]);
    return Object.fromEntries(states.sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  get names(): Record<string, string | null> {
    return Object.fromEntries([...this.#held.values()].map(({ user, name }) => [user, name]));
  }

  /** Lays what has arrived over what is held. */
  read(): void {
    for (; this.#read < this.socket.frames.length; this.#read++) {
      const frame = this.socket.frames[this.#read];
      if (frame !== undefined) this.#take(frame);
    }
    if (!this.#lacks || this.#crowd || this.#asked !== null) return;
    this.#ask(null);
  }

  /** Until nothing more needs to be asked. */
  async whole(): Promise<this> {
    const isWhole = (): boolean => {
      this.read();
      return !this.#lacks || this.#crowd || this.socket.closed !== null;
    };
    await eventually(isWhole, () => this.socket.frames.slice(-5));
    return this;
  }

  #take(frame: ServerFrame): void {
    if (frame.type === "welcome") this.#greet(frame);
    else if (frame.type === "presence") this.#lay(frame);
    else if (frame.type === "presence.page") this.#turn(frame);
  }

  #greet({ presence, user }: WelcomeFrame): void {
    if (presence === undefined) throw new Error("a reader that is not told who is here");
    this.#own = user?.id ?? null;
    this.#version = presence.version;
    this.count = presence.count;
    this.#watched = presence.count === (user === null ? 0 : 1);
    for (const member of presence.members) this.#held.set(member.user, member);
    if (presence.more !== presence.members.length < presence.count) this.#complain("`more` is wrong", presence);
    this.#lacks = presence.more;
    this.#crowd = presence.count > this.#crowdAbove;
  }

  #lay(frame: PresenceFrame): void {
    const { version, joined, updated, left, count, sample } = frame;
    this.count = count;
    if (sample !== undefined) return this.#estimate(frame);
    this.#count(frame);
    for (const member of joined) this.#join(member, frame);
    for (const member of updated) {
      if (this.#watched && !this.#held.has(member.user)) this.#complain("updated and not here", frame);
      this.#held.set(member.user, member);
    }
    // Of one who came and went before all were told, those may hear too who never knew of him.
    for (const user of left) this.#held.delete(user);
    this.#version = Math.max(version, this.#version);
    if (this.#watched && this.#held.size !== count) this.#complain(`${this.#held.size} held`, frame);
  }

  #join(member: PresentMember, frame: PresenceFrame): void {
    const known = this.#held.has(member.user) && member.user !== this.#own;
    if (this.#watched && known) this.#complain("told twice", frame);
    this.#held.set(member.user, member);
  }

  #count(frame: PresenceFrame): void {
    const { version, joined, left, updated } = frame;
    const moved = joined.length + left.length > 0;
    if (!moved && updated.length === 0) this.#complain("says nothing", frame);
    // Of whoever held a sample, the list is to be asked for.
    if (this.#crowd) this.#miss();
    else if (version > this.#version + 1) {
      this.#complain("a hole", frame);
      this.#miss();
    } else if (this.#toldVersion !== null && version !== this.#toldVersion + (moved ? 1 : 0))
      this.#complain(`after version ${this.#toldVersion}`, frame);
    this.#crowd = false;
    if (moved || this.#lacks) this.#toldVersion = Math.max(version, this.#toldVersion ?? 0);
  }

  #miss(): void {
    this.holes++;
    this.#lacks = true;
    this.#watched = false;
    this.#asked = null;
  }

  #estimate(frame: PresenceFrame): void {
    const { version, joined, updated, left, count, sample = [] } = frame;
    if (joined.length + updated.length + left.length > 0) this.#complain("a crowd is not listed", frame);
    if (this.#toldVersion !== null && version !== this.#toldVersion + 1) this.#complain("a hole in a crowd", frame);
    if (sample.length > 50 || sample.length > count) this.#complain("too large a sample", frame);
    this.#crowd = true;
    this.#watched = false;
    this.#version = version;
    this.#toldVersion = version;
    this.#held.clear();
  }

  #ask(after: string | null): void {
    const ref = `who${++asked}`;
    this.#asked = { ref, first: after === null };
    const start = after === null ? {} : { after };
    this.socket.send({ type: "presence.get", ref, limit: this.#pageSize, ...start });
  }

  #turn({ ref, version, count, members, next }: PageFrame): void {
    if (this.#asked?.ref !== ref) return;
    if (this.#asked.first) this.#held.clear();
    this.#version = Math.max(version, this.#version);
    this.count = count;
    for (const member of members) this.#held.set(member.user, member);
    this.#asked = null;
    if (next === undefined) this.#lacks = false;
    else this.#ask(next);
  }

  #complain(why: string, about: unknown): void {
    this.complaints.push(`${why}: ${JSON.stringify(about)}`);
  }
}
