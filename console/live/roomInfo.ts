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
    queryFn: () => answered(api.v1.rooms[":room"].$get({ param: { room } })),
    refetchInterval: 10_000,
  });
}

export async function createRoom(room: string, settings: Partial<RoomSettings>): Promise<void> {
  await answered(api.v1.rooms[":room"].$put({ param: { room }, json: { settings } }));
  await Promise.all([changed(room), queries.invalidateQueries({ queryKey: ["rooms"] })]);
}

export async function configureRoom(room: string, settings: Partial<RoomSettings>): Promise<void> {
  await answered(api.v1.rooms[":room"].$patch({ param: { room }, json: { settings } }));
  await changed(room);
}

export async function deleteRoom(room: string): Promise<void> {
  await answered(api.v1.rooms[":room"].$delete({ param: { room } }));
  await Promise.all([changed(room), queries.invalidateQueries({ queryKey: ["rooms"] })]);
}

function changed(room: string): Promise<void> {
  return queries.invalidateQueries({ queryKey: ["room", room] });
}
