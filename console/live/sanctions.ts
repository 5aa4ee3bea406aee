/** What can be done about a user in a room, for how long and why; and about whom it was. */
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import type { InferResponseType } from "hono/client";
import { answered, api, steadyApi } from "../api.ts";
import { queries } from "../queries.ts";
import { placeOf } from "./place.ts";

const inRoom = api.v1.rooms[":room"];

export type Sanction = "kick" | "mute" | "ban" | "shadow";
export type Sanctioned = InferResponseType<typeof inRoom.bans.$get, 200>["items"][number];

export interface Sentence {
  readonly sanction: Sanction;
  readonly reason: string;
  /** Milliseconds from now; null for no end. */
  readonly forMs: number | null;
}

/** Throws the ProblemError of a key that may not moderate. */
export async function impose(room: string, user: string, { sanction, reason, forMs }: Sentence): Promise<void> {
  const param = placeOf(room, user);
  const why = reason === "" ? {} : { reason };
  const term = { ...why, ...(forMs === null ? {} : { until: Date.now() + forMs }) };
  if (sanction === "kick") await answered(inRoom.kicks.$post({ param: { room }, json: { user, ...why } }));
  else if (sanction === "mute") await answered(inRoom.mutes[":user"].$put({ param, json: term }));
  else await answered(inRoom.bans[":user"].$put({ param, json: { ...term, shadow: sanction === "shadow" } }));
  await queries.invalidateQueries({ queryKey: ["sanctioned", room] });
}

export async function lift(room: string, user: string, what: "ban" | "mute"): Promise<void> {
  const param = placeOf(room, user);
  if (what === "ban") await answered(inRoom.bans[":user"].$delete({ param }));
  else await answered(inRoom.mutes[":user"].$delete({ param }));
  await queries.invalidateQueries({ queryKey: ["sanctioned", room] });
}

/** Everybody, page by page: of a room's bans there are few. */
export function useSanctioned(room: string): UseQueryResult<readonly Sanctioned[]> {
  return useQuery({
    queryKey: ["sanctioned", room],
    refetchInterval: 10_000,
    queryFn: async () => {
      const steady = steadyApi();
      const items: Sanctioned[] = [];
      for (let after: string | undefined; ;) {
        const query = { limit: "200", ...(after === undefined ? {} : { after }) };
        const page = await answered(steady.v1.rooms[":room"].bans.$get({ param: { room }, query }));
        items.push(...page.items);
        after = page.next;
        if (after === undefined || items.length >= 2_000) return items;
      }
    },
  });
}
