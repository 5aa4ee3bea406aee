/** What a room says of itself: to whoever asks, and to its tenant's directory. */
import type { RoomSettings } from "../../protocol/message.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { epochOf, headCursor } from "./position.ts";

export interface RoomInfo {
  readonly name: string;
  readonly head: number;
  readonly oldest: number;
  readonly epoch: string;
  readonly cursor: string;
  /** How many different users are connected. */
  readonly online: number;
  readonly settings: RoomSettings;
}

export function infoOf(parts: RoomParts): RoomInfo {
  const { name, store, roster } = parts;
  const { oldest, settings } = stateOf(parts);
  return {
    name,
    head: store.head,
    oldest,
    epoch: epochOf(parts),
    cursor: headCursor(parts),
    online: roster.countOnline(),
    settings,
  };
}

/** Counts for the directory. Safe to run twice. */
export async function report({ name, store, roster, registry }: RoomParts): Promise<void> {
  if (store.room === null || store.room.deletedAtMs !== null) return;
  await registry.reportRoom(name, {
    messages: store.countMessages(),
    members: store.countMembers(),
    online: roster.countOnline(),
    lastActivityAtMs: store.newestAtMs(),
  });
}
