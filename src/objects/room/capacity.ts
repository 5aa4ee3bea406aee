/** Whether the room can take more at all. */
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { RoomParts } from "./parts.ts";

/** A full database, or more waiting than it can store soon: refused now, because a commit that fails cuts every socket. */
export function crowded({ store, queue }: RoomParts): Refusal | null {
  if (store.sizeBytes > fixedLimits.roomStorageBytes) return refuse("storage_full");
  return overloaded({ queue });
}

/** For what is told and not stored. */
export function overloaded({ queue }: Pick<RoomParts, "queue">): Refusal | null {
  return queue.length + queue.held + queue.inquiries.size >= fixedLimits.queueChanges
    ? refuse("overloaded", undefined, { retryAfterMs: 1_000 })
    : null;
}
