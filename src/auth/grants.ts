/** What a token's `rooms` grant: where, and whether its maker could give it. */
import { type Capability, type RoomCapability, capabilities } from "../protocol/capabilities.ts";
import { matchesPattern } from "../protocol/roomPattern.ts";
import type { Rooms } from "../protocol/token.ts";

/** The union of all patterns that match. The caller intersects it with what the key that signed may itself do. */
export function grantedIn(rooms: Rooms, room: string): ReadonlySet<RoomCapability> {
  return new Set(Object.entries(rooms).flatMap(([pattern, granted]) => (matchesPattern(pattern, room) ? granted : [])));
}

/** What is asked beyond what is held, in the table's order: nobody makes a token with more than they have themselves. */
export function exceeding(rooms: Rooms, held: ReadonlySet<Capability>): Capability[] {
  const asked = new Set<Capability>(Object.values(rooms).flat());
  return capabilities.filter((capability) => asked.has(capability) && !held.has(capability));
}
