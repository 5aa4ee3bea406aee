/** Where this room's history stands. */
import { formatCursor } from "../../protocol/cursor.ts";
import { publicEpoch } from "./digest.ts";
import { type RoomParts, stateOf } from "./parts.ts";

export function epochOf(parts: RoomParts): string {
  return publicEpoch(stateOf(parts).epoch, parts.generation);
}

export function headCursor(parts: RoomParts): string {
  return formatCursor({ epoch: epochOf(parts), seq: parts.store.head });
}
