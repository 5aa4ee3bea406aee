/** One user in a room who keeps account of who else is there, by the rule of the protocol, and of what that costs. */
import * as z from "zod";

/** As many as a tenant's default `pageSize` allows. */
const PAGE_LIMIT = 200;
/** Frames that leave 200 ms apart may arrive six to a second: over five seconds that is no longer to be seen. */
const SHORT_SECONDS = 1;
const LONG_SECONDS = 5;

const Member = z.object({ user: z.string() });
const Frame = z.object({ type: z.string() });
const Welcome = z.object({
  presence: z.object({ version: z.number(), count: z.number(), members: z.array(Member), more: z.boolean() }),
});
const Diff = z.object({ version: z.number(), joined: z.array(Member), left: z.array(z.string()), count: z.number() });
type Diff = z.infer<typeof Diff>;
const Page = z.object({ version: z.number(), members: z.array(Member), next: z.string().optional() });

export class Observer {
  /** What it knows; in mode `count` the count alone. */
  present = new Set<string>();
  count = 0;
  frames = 0;
  frameBytes = 0;
  listBytes = 0;
  holes = 0;
  /** Frames a second, at most: over one second, and over five. */
  rateMax = 0;
  longRateMax = 0;
  readonly #hearsAll: boolean;
  readonly #ask: (frame: string) => void;
  #version = 0;
  /** While the list is being asked for: what has come of it, and the diffs that came meanwhile. */
  #listing: { version: number | null; members: Set<string>; diffs: Diff[] } | null = null;
  /** When the frames of the last five seconds were read. */
  #recentUs: number[] = [];

  constructor(mode: "full" | "count", ask: (frame: string) => void) {
    this.#hearsAll = mode === "full";
    this.#ask = ask;
  }

  get isListing(): boolean {
    return this.#listing !== null;
  }

  /** Counts of frames and bytes begin anew. */
  forgetCosts(): void {
    this.#recentUs = [];
    Object.assign(this, { frames: 0, frameBytes: 0, listBytes: 0, holes: 0, rateMax: 0, longRateMax: 0 });
  }

  /** One frame or a batch of frames. */
  take(text: string, readUs: number): void {
    const parsed: unknown = JSON.parse(text);
    if (!Array.isArray(parsed)) return this.#takeFrame(parsed, text.length, readUs);
    for (const frame of parsed) this.#takeFrame(frame, JSON.stringify(frame).length, readUs);
  }

  #takeFrame(frame: unknown, length: number, readUs: number): void {
    switch (Frame.parse(frame).type) {
      case "welcome":
        this.listBytes += length;
        return this.#begin(Welcome.parse(frame).presence);
      case "presence.page":
        this.listBytes += length;
        return this.#takePage(Page.parse(frame));
      case "presence":
        this.frameBytes += length;
        this.#note(readUs);
        return this.#takeDiff(Diff.parse(frame));
    }
  }

  #begin({ version, count, members, more }: z.infer<typeof Welcome>["presence"]): void {
    this.#version = version;
    this.count = count;
    this.present = new Set(members.map(({ user }) => user));
    if (more && this.#hearsAll) this.#list();
  }

  #list(): void {
    this.#listing = { version: null, members: new Set(), diffs: [] };
    this.#ask(JSON.stringify({ type: "presence.get", ref: "list", limit: PAGE_LIMIT }));
  }

  #takePage({ version, members, next }: z.infer<typeof Page>): void {
    const listing = this.#listing;
    if (listing === null) return;
    // Pages are of different moments. The diffs since the first one tell of everything that a later page may have or lack.
    listing.version ??= version;
    for (const { user } of members) listing.members.add(user);
    if (next !== undefined)
      return this.#ask(JSON.stringify({ type: "presence.get", ref: "list", after: next, limit: PAGE_LIMIT }));
    this.present = listing.members;
    this.#version = listing.version;
    this.#listing = null;
    for (const diff of listing.diffs) this.#takeDiff(diff);
  }

  #takeDiff(diff: Diff): void {
    this.count = diff.count;
    if (!this.#hearsAll) return;
    if (this.#listing !== null) return void this.#listing.diffs.push(diff);
    if (diff.version <= this.#version) return;
    if (diff.version !== this.#version + 1) {
      this.holes += 1;
      return this.#list();
    }
    this.#version = diff.version;
    for (const { user } of diff.joined) this.present.add(user);
    for (const user of diff.left) this.present.delete(user);
  }

  #note(readUs: number): void {
    this.frames += 1;
    this.#recentUs.push(readUs);
    const within = (seconds: number) => this.#recentUs.filter((us) => us > readUs - seconds * 1_000_000);
    this.#recentUs = within(LONG_SECONDS);
    this.longRateMax = Math.max(this.longRateMax, this.#recentUs.length / LONG_SECONDS);
    this.rateMax = Math.max(this.rateMax, within(SHORT_SECONDS).length / SHORT_SECONDS);
  }
}
