/** What is told of who is here: in diffs, each with its version, and of a crowd its count and a sample. */
import { fixedLimits } from "../../protocol/limits.ts";
import type { PresenceFrame, PresentMember, WelcomeFrame } from "../../protocol/serverFrames.ts";
import { utf8Length } from "../../protocol/text.ts";
import type { News } from "./news.ts";
import { memberOf, type Present } from "./present.ts";
import type { Seat } from "./roster.ts";

export interface Diff {
  readonly joined: Present[];
  readonly updated: Present[];
  readonly left: string[];
}

interface Issue {
  /** Somebody has come or gone, or there are too many to be named now, or no longer. */
  readonly moved: boolean;
  /** Null where nobody would learn anything by it. */
  readonly news: News | null;
  readonly turned: "occupied" | "vacated" | null;
}

export class Bulletin {
  readonly #here: ReadonlyMap<string, Present>;
  #version = 0;
  #countTold = 0;
  #crowded = false;
  /** Somebody was here at the last issue. */
  #wasOccupied = false;

  constructor(here: ReadonlyMap<string, Present>) {
    this.#here = here;
  }

  get version(): number {
    return this.#version;
  }

  /** Too many to be named, as far as was told. */
  get isCrowded(): boolean {
    return this.#crowded;
  }

  /** After waking: what was told before. */
  recover(version: number, membersMax: number): void {
    this.#version = version;
    this.#countTold = this.#count;
    this.#crowded = this.#count > membersMax;
    this.#wasOccupied = this.#count > 0;
  }

  /** The room is no more. */
  forget(): void {
    this.#version = 0;
    this.#countTold = 0;
    this.#crowded = false;
    this.#wasOccupied = false;
  }

  /** The next one, of what has changed since the last. */
  issue(diff: Diff, membersMax: number): Issue {
    const flips = this.#crowded !== this.#count > membersMax;
    const moved = flips || diff.joined.length + diff.left.length > 0;
    return { moved, news: this.#news(diff, moved, membersMax), turned: this.#turned() };
  }

  /** For `welcome`: some of those who are here. */
  greeting(hears: Seat["hears"]): WelcomeFrame["presence"] {
    if (hears === "none") return undefined;
    const members = hears === "full" ? this.#some() : [];
    return { version: this.#version, count: this.#count, members, more: members.length < this.#count };
  }

  get #count(): number {
    return this.#here.size;
  }

  /** Who is leaving is still here: nobody's reload empties a room. */
  #turned(): Issue["turned"] {
    const isOccupied = this.#count > 0;
    if (isOccupied === this.#wasOccupied) return null;
    this.#wasOccupied = isOccupied;
    return isOccupied ? "occupied" : "vacated";
  }

  #news({ joined, updated, left }: Diff, moved: boolean, membersMax: number): News | null {
    const wasCrowded = this.#crowded;
    this.#crowded = this.#count > membersMax;
    // The hole by which readers of a crowd notice that there is a list again.
    if (moved) this.#version += wasCrowded && !this.#crowded ? 2 : 1;
    const frame = {
      type: "presence" as const,
      version: this.#version,
      joined: [],
      updated: [],
      left: [],
      count: this.#count,
    };
    const count = this.#count === this.#countTold ? null : json(frame);
    this.#countTold = this.#count;
    if (this.#crowded) return moved ? { full: json({ ...frame, sample: this.#some() }), count } : null;
    if (!moved && updated.length === 0) return null;
    return { full: json({ ...frame, joined: joined.map(memberOf), updated: updated.map(memberOf), left }), count };
  }

  #some(): PresentMember[] {
    const members: PresentMember[] = [];
    let bytes = 0;
    for (const present of this.#here.values()) {
      const member = memberOf(present);
      bytes += utf8Length(JSON.stringify(member));
      if (members.length === fixedLimits.presenceListed || bytes > fixedLimits.presenceListedBytes) break;
      members.push(member);
    }
    return members;
  }
}

function json(frame: PresenceFrame): string {
  return JSON.stringify(frame);
}
