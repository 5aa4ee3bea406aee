/** One's own settings: asked for, and changed. */
import { queryOptions, useQueryClient } from "@tanstack/react-query";
import { answered, api } from "../api.ts";
import { currentKey } from "../session.ts";

export type Profile = Awaited<ReturnType<typeof readTenant>>;
export type Settings = Profile["settings"];

function readTenant() {
  return answered(api.v1.tenant.$get());
}

/** Whoever comes back from another tab may have changed it there. */
export const tenantQuery = queryOptions({ queryKey: ["tenant"], queryFn: readTenant, refetchOnWindowFocus: "always" });

export type ProfilePatch = NonNullable<Parameters<typeof api.v1.tenant.$patch>[0]>["json"];

/** Changes them, and shows what the API says they are now. */
export function useChange(): (json: ProfilePatch) => Promise<Profile> {
  const queries = useQueryClient();
  return async (json) => {
    const key = currentKey();
    const profile = await answered(api.v1.tenant.$patch({ json }));
    // Whoever has signed in meanwhile has settings of their own.
    if (currentKey() === key) queries.setQueryData(tenantQuery.queryKey, profile);
    return profile;
  };
}
