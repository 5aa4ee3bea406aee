/** How far everybody has read. */
import type { ReadFrame } from "../../protocol/clientFrames.ts";
import { refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import { isShadowed } from "./admittance.ts";
import { crowded } from "./capacity.ts";
import type { Log } from "./log.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import type { Admitted, Outcome } from "./queue.ts";
import { lacks } from "./standing.ts";
import type { Store } from "./store/store.ts";

/** They only move on, so an old one that comes late is known already. */
export function read(parts: RoomParts, session: Session, { upTo }: Pick<ReadFrame, "upTo">, nowMs: number): Admitted {
  const { user } = session;
  if (user === null) return refuse("forbidden", "Only a user can read: name one in `Parley-User`.");
  const refused =
    lacks(parts, session, "read") ??
    (upTo > parts.store.head ? refuse("not_found", "`upTo`: there is no such message.") : null) ??
    crowded(parts) ??
    parts.rates.payForReading(session, stateOf(parts).policy.limits, nowMs);
  const hidden = isShadowed(parts, session, nowMs);
  const apply = (log: Log): Outcome => applyPosition(parts.store, log, { user, upTo, hidden });
  return refused ?? { ok: true, entry: { bytes: 0, apply, waiters: [] }, joins: false };
}

function applyPosition(
  store: Store,
  log: Log,
  { user, upTo, hidden }: { readonly user: string; readonly upTo: number; readonly hidden: boolean },
): Outcome {
  const before = store.members.get(user)?.read_up_to ?? 0;
  if (upTo <= before) return { ok: true, id: before, seq: 0, duplicate: true };
  store.members.saveReadPosition(user, upTo);
  if (!hidden) log.live({ type: "receipt", user, upTo });
  return { ok: true, id: upTo, seq: 0, duplicate: false };
}
