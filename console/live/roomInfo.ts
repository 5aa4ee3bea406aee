/** What the API says of a room, and how it is changed. */
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import type { InferResponseType } from "hono/client";
import type { RoomSettings } from "../../src/protocol/message.ts";
import { answered, api } from "../api.ts";
import { queries } from "../queries.ts";

export type RoomInfo = InferResponseType<(typeof api.v1.rooms)[":room"]["$get"], 200>;

/** It is not made by being asked for. */
export function useRoomInfo(room: string): UseQueryResult<RoomInfo> {
  return useQuery({
    queryKey: ["room", room],
    queryFn: () => answered(api.v1.rooms[":room"].$get(addressOf(room))),
    refetchInterval: 10_000,
  });
}

export async function createRoom(room: string, settings: Partial<RoomSettings>): Promise<void> {
  await answered(api.v1.rooms[":room"].$put({ ...addressOf(room), json: { settings } }));
  await Promise.all([changed(room), queries.invalidateQueries({ queryKey: ["rooms"] })]);
}

export async function configureRoom(room: string, settings: Partial<RoomSettings>): Promise<void> {
  await answered(api.v1.rooms[":room"].$patch({ ...addressOf(room), json: { settings } }));
  await changed(room);
}

export async function deleteRoom(room: string): Promise<void> {
  await answered(api.v1.rooms[":room"].$delete(addressOf(room)));
  await Promise.all([changed(room), queries.invalidateQueries({ queryKey: ["rooms"] })]);
}

/** It may have been typed into the address of the page, and be no name at all. */
function addressOf(room: string): { param: { room: string } } {
  return { param: { room: encodeURIComponent(room) } };
}

function changed(room: string): Promise<void> {
  return queries.invalidateQueries({ queryKey: ["room", room] });
}
