/** What this key may do in rooms, and tokens that do it. */
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { type RoomCapability, roomCapabilities } from "../../src/protocol/capabilities.ts";
import { answered, type Api, steadyApi } from "../api.ts";
import { ProblemError } from "../problem.ts";
import { type TenantKey, useTenantKey } from "../who.ts";

/** The most that a token of this key may have in a room. */
export function useRights(): UseQueryResult<readonly RoomCapability[]> {
  const key = useTenantKey();
  return useQuery({ queryKey: ["rights", key.keyId], queryFn: () => rightsOf(key), staleTime: Infinity });
}

async function rightsOf({ capabilities }: TenantKey): Promise<readonly RoomCapability[]> {
  if (capabilities !== null) return roomCapabilities.filter((capability) => capabilities.includes(capability));
  // Only `admin` may ask what a key may do. What it may hand on, each key is told by trying.
  const steady = steadyApi();
  const tried = await Promise.all(roomCapabilities.map((capability) => mayGrant(steady, capability)));
  return roomCapabilities.filter((_, index) => tried[index]);
}

async function mayGrant(by: Api, capability: RoomCapability): Promise<boolean> {
  try {
    await mintToken(by, "console", { "*": [capability] });
    return true;
  } catch (error) {
    if (error instanceof ProblemError && error.code === "forbidden") return false;
    throw error;
  }
}

/** Throws the ProblemError of a key that has less than it is to give. */
export async function mintToken(by: Api, user: string, rooms: Record<string, RoomCapability[]>): Promise<string> {
  const { token } = await answered(by.v1.tokens.$post({ json: { user, rooms } }));
  return token;
}
