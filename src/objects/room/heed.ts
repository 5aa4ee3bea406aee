/** What the tenant has decided, taken over: for whoever is here as for whoever comes. */
import { unwelcome } from "../../core/welcome.ts";
import type { RoomPolicy } from "../../protocol/policy.ts";
import type { RoomParts } from "./parts.ts";
import { askAboutBans, markShadowed } from "./banned.ts";
import { askAboutAll, isAsked } from "./revoked.ts";

/**
 * Done when it returns its promise, but for what the tenant must be asked about. Safe to run twice: the second time it meets those
 * who have come meanwhile by what somebody held who did not know yet.
 */
export async function heed(parts: RoomParts, policy: RoomPolicy): Promise<void> {
  const { store, roster, door, keeper, indexer } = parts;
  const { room } = store;
  door.heard(Date.now());
  if (room === null || room.deletedAtMs !== null) return;
  if (policy.version > room.policy.version) {
    if (policy.moreBans) markShadowed(parts, room.policy, Date.now());
    store.heedPolicy(policy);
    keeper.notice(Date.now());
    indexer.notice(Date.now());
  }
  const newest = store.room?.policy ?? policy;
  for (const seat of roster.seats) {
    const refused = unwelcome(seat.session, newest, Date.now());
    if (refused !== null) roster.close(seat, refused.error, refused.detail);
  }
  await Promise.all([
    isAsked(parts, Date.now()) ? askAboutAll(parts) : null,
    newest.moreBans ? askAboutBans(parts) : null,
  ]);
}
