/** What a room tells its tenant and what it is given: the only words between the two while the room is at work. */
import type { Work } from "../core/work.ts";
import type { RoomPolicy } from "../protocol/policy.ts";
import type { Refusal } from "../protocol/refusals.ts";
import type { LimitLevel } from "../protocol/serverFrames.ts";

/** What was ever used in a room: totals that only grow, also where it was deleted and made anew. Told twice it counts once. */
export interface RoomUsage {
  /** Stored ones, whatever became of them. */
  readonly messages: number;
  /** UTF-8 bytes of their text, and of their data as JSON, as they were published. */
  readonly bytes: number;
  /** Seqs that were given, those of the messages among them. */
  readonly changes: number;
}

/** How a room stands, for its tenant's directory and for the account of what is used. */
export interface RoomCounts {
  readonly messages: number;
  readonly members: number;
  readonly online: number;
  readonly lastActivityAtMs: number | null;
  readonly used: RoomUsage;
  /** Of its database. */
  readonly storageBytes: number;
}

export interface Statement {
  readonly room: string;
  /** Of the policy that the room goes by. */
  readonly policyVersion: number;
  /** Places that the room wants to hold: its sockets, those at its door, and some for those to come. */
  readonly places: number;
  /** Sockets that are open. */
  readonly sockets: number;
  /** Credits wanted, one for each change. */
  readonly credits: number;
  /** Credits of earlier ones that were not spent. */
  readonly returned: number;
  /** Null in between. */
  readonly counts: RoomCounts | null;
  /** What the room has done since it last said so; told twice it would count twice. A room of an older Worker does not say. */
  readonly work?: Work | null;
  /**
   * Open: anybody may be in the room from now on, and it is told all that the tenant decides. Else the names (core/concern.ts)
   * of all who are within: it is told of nothing that concerns none of them, until it says that it is open again.
   */
  readonly door: "open" | "same" | Uint32Array<ArrayBuffer>;
  /** Grows from each to the next of a room. */
  readonly saidAtMs: number;
}

export interface Grant {
  readonly ok: true;
  /** As many as were wanted, or as there are. */
  readonly places: number;
  readonly credits: number;
  /** Why there are not more credits; null where there are. */
  readonly short: Refusal | null;
  /** What is left of the tenant's limits, of those that are nearly used up. */
  readonly low: readonly LimitLevel[];
  /** Where the room goes by an older one. */
  readonly policy: RoomPolicy | null;
}
