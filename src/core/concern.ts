/** Whom a decision of the tenant's concerns, and whether any of those in a room may be among them. */
import type { Issued } from "../protocol/revocation.ts";

/** What is null is anybody's. */
export type Concern = Omit<Issued, "issuedAt" | "key"> & { readonly key: string | null };

export const everybody: Concern = { user: null, token: null, key: null };

export function isEverybody({ user, token, key }: Concern): boolean {
  return user === null && token === null && key === null;
}

/**
 * Four bytes for each user, token and key of these sessions: enough to tell who is surely not among them. Null where they are
 * more than `most`.
 */
export function namesOf(
  sessions: Iterable<Pick<Issued, "user" | "token" | "key">>,
  most: number,
): Uint32Array<ArrayBuffer> | null {
  const names = new Set<number>();
  for (const session of sessions) {
    for (const name of namesIn(session)) names.add(name);
    if (names.size > most) return null;
  }
  return Uint32Array.from(names);
}

/** False only where it is sure: two may share a name, and the user and the token that are named may be two sessions'. */
export function mayConcern(names: Uint32Array, concerns: readonly Concern[]): boolean {
  return concerns.some((concern) => namesIn(concern).every((name) => names.includes(name)));
}

function namesIn({ user, token, key }: Concern): number[] {
  return [nameOf("user", user), nameOf("token", token), nameOf("key", key)].filter((name) => name !== null);
}

/** FNV-1a, 32 bits. Whoever makes two alike has a room told what does not concern it. */
function nameOf(what: string, id: string | null): number | null {
  if (id === null) return null;
  let hash = 0x811c9dc5;
  for (const char of `${what} ${id}`) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
}
