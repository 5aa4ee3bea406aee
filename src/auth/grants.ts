/** What a token's `rooms` grant: where, and whether its maker could give it. */
import { type Capability, type RoomCapability, capabilities } from "../protocol/capabilities.ts";
import type { Rooms } from "../protocol/token.ts";

/** The union of all patterns that match. The caller intersects it with what the key that signed may itself do. */
export function grantedIn(rooms: Rooms, room: string): ReadonlySet<RoomCapability> {
  return new Set(Object.entries(rooms).flatMap(([pattern, granted]) => (matchesPattern(pattern, room) ? granted : [])));
}

/**
 * Names are segments joined by `:`. In a pattern `*` is exactly one segment, and as the last it is the rest, one or more:
 * `*` is every room, `a:*` is `a:b` and `a:b:c` but not `a`, `*:b` is `a:b` but not `a:c:b`. Everything else is itself, to
 * the letter. A name may have empty segments (`a::b`, `a:`) and `*` stands for those too, so `a:*` is all that begins with `a:`.
 */
export function matchesPattern(pattern: string, room: string): boolean {
  const wanted = pattern.split(":");
  const segments = room.split(":");
  const fits = wanted.at(-1) === "*" ? segments.length >= wanted.length : segments.length === wanted.length;
  return fits && wanted.every((segment, index) => segment === "*" || segment === segments[index]);
}

/** What is asked beyond what is held, in the table's order: nobody makes a token with more than they have themselves. */
export function exceeding(rooms: Rooms, held: ReadonlySet<Capability>): Capability[] {
  const asked = new Set<Capability>(Object.values(rooms).flat());
  return capabilities.filter((capability) => asked.has(capability) && !held.has(capability));
}
