/** Being in a room for as long as a component is there. */
import { useEffect } from "react";
import type { Room, RoomOptions } from "../client.ts";
import { useClient } from "./provider.ts";
import { storeOf } from "./roomStore.ts";

/**
 * The room of this name, entered while any component uses it and left a tick after the last one. The same value for the same
 * name and client; `options` count the first time. It has `publish`, `edit`, `react`, `upload` and all else that is done in a room;
 * what it shows comes from `useMessages`, `usePresence`, `useTyping` and `useRoomState`.
 */
export function useRoom<Data = unknown>(name: string, options?: RoomOptions<Data>): Room<Data> {
  const room = useClient().room(name, options);
  useEffect(() => storeOf(room).subscribe(() => undefined), [room]);
  return room;
}
