/** Pins a message or takes its pin away, as a user of the room. */
import { answered, api, asUser } from "../api.ts";

export async function pin(
  room: string,
  id: number,
  { isPinned, user }: { readonly isPinned: boolean; readonly user: string },
): Promise<void> {
  const place = { param: { room, id: String(id) } };
  const at = api.v1.rooms[":room"].messages[":id"].pin;
  await answered(isPinned ? at.$delete(place, asUser(user)) : at.$put(place, asUser(user)));
}
