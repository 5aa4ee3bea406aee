/** Who is here, as the server tells it: a list, then differences, by a version that shows a hole. No time, no connection. */
import type { PresenceFrame, PresentMember, WelcomeFrame } from "../protocol/serverFrames.ts";

export class Presence {
  readonly members = new Map<string, PresentMember>();
  count = 0;
  #version = 0;
  /** Only some of a crowd are held. */
  #isSample = false;
  /** What came while the whole list is asked for. */
  #kept: PresenceFrame[] | null = null;

  /** True when not all of it was told: the whole list is to be asked for. */
  begin(told: WelcomeFrame["presence"]): boolean {
    this.#kept = null;
    this.#isSample = false;
    this.#take(told?.members ?? []);
    this.count = told?.count ?? 0;
    this.#version = told?.version ?? 0;
    return told?.more ?? false;
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

  asked(): void {
    this.#kept = [];
  }

  /** The whole list, as of `version`; null when it did not come. What was told meanwhile is laid over it. */
  merge(list: { readonly version: number; readonly members: readonly PresentMember[] } | null): void {
    const kept = this.#kept ?? [];
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
