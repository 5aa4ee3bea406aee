/** One's own settings: asked for, and changed. */
import { queryOptions, useQueryClient } from "@tanstack/react-query";
import { answered, api } from "../api.ts";

export type Profile = Awaited<ReturnType<typeof readTenant>>;
export type Settings = Profile["settings"];

function readTenant() {
  return answered(api.v1.tenant.$get());
}

export const tenantQuery = queryOptions({ queryKey: ["tenant"], queryFn: readTenant });

export type ProfilePatch = NonNullable<Parameters<typeof api.v1.tenant.$patch>[0]>["json"];

/** Changes them, and shows what the API says they are now. */
export function useChange(): (json: ProfilePatch) => Promise<Profile> {
  const queries = useQueryClient();
  return async (json) => {
    const profile = await answered(api.v1.tenant.$patch({ json }));
    queries.setQueryData(tenantQuery.queryKey, profile);
    return profile;
  };
}
