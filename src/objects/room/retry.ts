/** What has been sent before: by its sender's nonce, and by a digest of what was said under it. */
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { type Admitted, nonceKey, type Stored } from "./queue.ts";

/** By what the retries of a message are known. Without a nonce they are other messages. */
export interface Named {
  readonly nonce: string | null;
  readonly digest: Uint8Array;
}

/** What is under way with this nonce already; null where nothing is. */
export function underway({ queue }: RoomParts, { user }: Session, { nonce, digest }: Named): Admitted | null {
  const waiting = nonce === null ? undefined : queue.findByNonce(nonceKey(user, nonce));
  if (waiting === undefined) return null;
  const { entry, known: first } = waiting;
  if (!equal(first.digest, digest)) return refuse("nonce_reused");
  return { ok: true, entry, joins: true, ...(first.place === undefined ? {} : { place: first.place }) };
}

/** Null for what is not stored yet. */
export function storedBefore(
  { store }: Pick<RoomParts, "store">,
  { user }: Session,
  { nonce, digest }: Named,
): Stored | Refusal | null {
  const stored = nonce === null || store.room === null ? null : store.messages.findByNonce(user, nonce);
  if (stored === null) return null;
  return equal(stored.digest, digest)
    ? { ok: true, id: stored.id, seq: stored.id, duplicate: true }
    : refuse("nonce_reused");
}

/** The same of one that has paid, which it is given back. Looked up once: while it waits, nothing else takes its nonce. */
export function recogniser(parts: RoomParts, session: Session, named: Named): () => Stored | Refusal | null {
  let found: Stored | Refusal | null | undefined;
  return () => {
    if (found !== undefined) return found;
    found = storedBefore(parts, session, named);
    if (found !== null) parts.rates.giveBack(session, stateOf(parts).policy.limits, Date.now());
    return found;
  };
}

export function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
