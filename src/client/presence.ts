/** Who is here, as the server tells it: a list, then differences, by a version that shows a hole. No time, no connection. */
import type { PresenceFrame, PresentMember, WelcomeFrame } from "../protocol/serverFrames.ts";

type Told = NonNullable<WelcomeFrame["presence"]>;

export class Presence {
  readonly members = new Map<string, PresentMember>();
  count = 0;
  #version = 0;
  /** Only some of a crowd are held. */
  #isSample = false;
  /** What came while the whole list is asked for. */
  #kept: PresenceFrame[] | null = null;

  /** True when not all of it was told: the whole list is to be asked for. */
  begin({ members = [], count = 0, version = 0, more = false }: Partial<Told> = {}): boolean {
    this.#kept = null;
    this.#isSample = false;
    this.#take(members);
    this.count = count;
    this.#version = version;
    return more;
  }

  /** True when something is missing: the whole list is to be asked for. */
  receive(frame: PresenceFrame): boolean {
    this.#kept?.push(frame);
    const { version, joined, updated, left, count, sample } = frame;
    const isMissing = sample === undefined && (version > this.#version + 1 || this.#isSample);
    this.count = count;
    if (isMissing) return this.#kept === null;
    this.#version = Math.max(version, this.#version);
    if (sample !== undefined) {
      this.#isSample = true;
      this.#take(sample);
      return false;
    }
    for (const member of [...joined, ...updated]) this.members.set(member.user, member);
    for (const user of left) this.members.delete(user);
    return false;
  }

  /** Gives what to merge the answer with. */
  asked(): readonly PresenceFrame[] {
    return (this.#kept = []);
  }

  /**
   * The whole list, as of `version`; null when it did not come. What was told meanwhile is laid over it. What was asked
   * before a newer beginning is of no use any more.
   */
  merge(
    kept: readonly PresenceFrame[],
    list: { readonly version: number; readonly members: readonly PresentMember[] } | null,
  ): void {
    if (kept !== this.#kept) return;
    this.#kept = null;
    if (list === null) return;
    this.#isSample = false;
    this.#take(list.members);
    this.#version = list.version;
    for (const frame of kept) if (frame.version >= list.version) this.receive(frame);
  }

  #take(members: readonly PresentMember[]): void {
    this.members.clear();
    for (const member of members) this.members.set(member.user, member);
  }
}
