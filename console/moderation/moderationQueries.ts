/** What is asked about flags and bans. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { answered, api } from "../api.ts";

const pageSize = "20";

export type FlagState = "open" | "resolved";
export type Flag = Awaited<ReturnType<typeof readFlags>>["items"][number];
export type Ban = Awaited<ReturnType<typeof readBans>>["items"][number];

function readFlags(state: FlagState, after: string) {
  return answered(api.v1.flags.$get({ query: { state, limit: pageSize, ...(after === "" ? {} : { after }) } }));
}

export function flagsQuery(state: FlagState) {
  return infiniteQueryOptions({
    queryKey: ["flags", state],
    queryFn: ({ pageParam }) => readFlags(state, pageParam),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next,
  });
}

/** The message that a flag is about, as it is now. */
export function flaggedQuery({ room, message }: Pick<Flag, "room" | "message">) {
  return queryOptions({
    queryKey: ["flagged", room, message],
    queryFn: () => answered(api.v1.rooms[":room"].messages[":id"].$get({ param: { room, id: String(message) } })),
  });
}

function readBans(after: string) {
  return answered(api.v1.bans.$get({ query: { limit: pageSize, ...(after === "" ? {} : { after }) } }));
}

export const bansQuery = infiniteQueryOptions({
  queryKey: ["bans"],
  queryFn: ({ pageParam }) => readBans(pageParam),
  initialPageParam: "",
  getNextPageParam: ({ next }) => next,
});

/** A user's id may hold what means something else in an address. */
export function banOf(user: string) {
  return { param: { user: encodeURIComponent(user) } };
}
