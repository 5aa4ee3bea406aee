/** Names of rooms, many at a time: in what a token grants, and in what a webhook endpoint wants to hear of. */
import * as z from "zod";

/** Segments by `:`; `*` is one segment, a trailing `*` the rest. */
export const RoomPattern = z
  .string()
  .max(128)
  .regex(
    /^(\*|[A-Za-z0-9][A-Za-z0-9._-]*)(:(\*|[A-Za-z0-9._-]+))*$/,
    "a room's name in which whole segments between : may be *",
  );

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
