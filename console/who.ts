/** Who is signed in. The API is asked, for a key does not say what it may do. */
import { createContext, useContext } from "react";
import { type Capability, capabilities } from "../src/protocol/capabilities.ts";
import { answered, apiWith } from "./api.ts";
import { ProblemError } from "./problem.ts";

export type Who = { readonly kind: "operator" } | TenantKey;

export interface KeyName {
  readonly tenant: string;
  readonly keyId: string;
}

export interface TenantKey extends KeyName {
  readonly kind: "tenant";
  /** Without `admin` nobody can ask what a key may do: then null, and the API says no where it must. */
  readonly capabilities: readonly Capability[] | null;
}

/** Throws the ProblemError of a key that is refused, in the API's own words. */
export async function whoIs(key: string): Promise<Who> {
  const name = nameOf(key);
  if (name !== null) return tenantKeyOf(key, name);
  // A token is neither: the tenant's plane says so.
  if (key.split(".").length === 3) await answered(apiWith(key).v1.tenant.$get());
  return operatorOf(key);
}

async function tenantKeyOf(key: string, name: KeyName): Promise<TenantKey> {
  try {
    const { items } = await answered(apiWith(key).v1.keys.$get());
    const own = items.find(({ id }) => id === name.keyId);
    return { kind: "tenant", ...name, capabilities: own?.capabilities ?? capabilities };
  } catch (error) {
    // The key is good, but may do less than `admin`.
    if (isProblem(error, "forbidden")) return { kind: "tenant", ...name, capabilities: null };
    throw error;
  }
}

async function operatorOf(key: string): Promise<Who> {
  try {
    await answered(apiWith(key).v1.tenants.$get({ query: { limit: "1" } }));
    return { kind: "operator" };
  } catch (error) {
    // Where no operator's key is set there is no such plane: what is wrong with the text, the tenant's says.
    if (isProblem(error, "not_found")) await answered(apiWith(key).v1.tenant.$get());
    throw error;
  }
}

function isProblem(error: unknown, code: string): boolean {
  return error instanceof ProblemError && error.code === code;
}

/** The names in an API key. Nothing is verified: that is the API's. */
export function nameOf(key: string): KeyName | null {
  const [, tenant, keyId] = /^parley_([^_]+)_(\d+k[a-z2-7]{12})_[\w-]{43}$/.exec(key) ?? [];
  return tenant === undefined || keyId === undefined ? null : { tenant, keyId };
}

const WhoContext = createContext<Who | null>(null);
export const WhoProvider = WhoContext.Provider;

/** Of a page that is shown to both. */
export function useWho(): Who {
  const who = useContext(WhoContext);
  if (who === null) throw new Error("nobody is signed in");
  return who;
}

/** Of a page of the tenant's. */
export function useTenantKey(): TenantKey {
  const who = useWho();
  if (who.kind !== "tenant") throw new Error("this page is a tenant's");
  return who;
}
