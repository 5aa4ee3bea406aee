/** Who is here. */
import { useMemo } from "react";
import type { Room, RoomSnapshot } from "../client.ts";
import { useSelected } from "./selected.ts";

export interface PresenceView {
  readonly members: RoomSnapshot["present"];
  /** Users who are here: of a crowd there are more than `members` shows. */
  readonly count: number;
  /** A cursor, a colour, "away": at most 1 KB of JSON, told at most ten times a second. */
  readonly set: (state: unknown) => void;
}

export function usePresence<Data>(room: Room<Data>): PresenceView {
  const here = useSelected<Data, Omit<PresenceView, "set">>(room, presentIn);
  const set = useMemo(() => room.presence.set, [room]);
  return { ...here, set };
}

function presentIn({ snapshot }: { readonly snapshot: RoomSnapshot }): Omit<PresenceView, "set"> {
  return { members: snapshot.present, count: snapshot.online };
}
