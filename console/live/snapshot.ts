/** A room and its connection as React sees them. */
import { useCallback, useSyncExternalStore } from "react";
import type { Client, ConnectionState, Room, RoomSnapshot } from "../../src/client/client.ts";

/** Enters the room for as long as the component is there. */
export function useSnapshot(room: Room): RoomSnapshot {
  const subscribe = useCallback((listener: () => void) => room.subscribe(listener), [room]);
  return useSyncExternalStore(subscribe, () => room.snapshot);
}

export function useConnection(client: Client): ConnectionState {
  const subscribe = useCallback((listener: () => void) => client.on("state", listener), [client]);
  return useSyncExternalStore(subscribe, () => client.state);
}
