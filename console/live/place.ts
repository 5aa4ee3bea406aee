/** A user in a room, as an address names them: an id may hold `?`, `#` or `%`, and what stands before those may be somebody else. */
export function placeOf(room: string, user: string): { readonly room: string; readonly user: string } {
  return { room: encodeURIComponent(room), user: encodeURIComponent(user) };
}
