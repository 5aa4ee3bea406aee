/** Who is writing just now. Receivers let it expire, so the room keeps no timer for it. */
import { silenced } from "../../core/admission.ts";
import type { TypingFrame } from "../../protocol/clientFrames.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { refuse } from "../../protocol/refusals.ts";
import { isShadowed } from "./admittance.ts";
import { overloaded } from "./capacity.ts";
import type { Log } from "./log.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import type { Admitted, Outcome } from "./queue.ts";
import type { Seat } from "./roster.ts";
import { lacks, standingOf } from "./standing.ts";

const nothingNew: Outcome = { ok: true, id: 0, seq: 0, duplicate: true };

/** What says nothing new is dropped without a word: a client that tells of every key pressed must not be cut for it. */
export function typing(parts: RoomParts, seat: Seat, { active }: TypingFrame, nowMs: number): Admitted {
  const { session } = seat;
  const { user } = session;
  if (user === null) return refuse("forbidden", "Only a user can type: name one in `Parley-User`.");
  const refused =
    lacks(parts, session, "publish") ??
    silenced(session, standingOf(parts, session), stateOf(parts).settings, nowMs) ??
    overloaded(parts);
  if (refused !== null) return refused;
  if (isShadowed(parts, session, nowMs) || !isNew(seat, active, nowMs)) return nothingNew;
  // Stopping does not make room for another start.
  seat.typing = { active, toldAtMs: active ? nowMs : (seat.typing?.toldAtMs ?? nowMs) };
  const apply = (log: Log): Outcome => {
    log.live({ type: "typing", user, active, expiresInMs: fixedLimits.typingExpiresMs });
    return { ok: true, id: 0, seq: 0, duplicate: false };
  };
  return { ok: true, entry: { bytes: 0, apply, waiters: [] }, joins: false };
}

function isNew({ typing: told }: Seat, active: boolean, nowMs: number): boolean {
  const sinceMs = told === null ? Infinity : nowMs - told.toldAtMs;
  // A clock that was set back is not waited for.
  if (active) return sinceMs < 0 || sinceMs >= fixedLimits.typingRepeatMs;
  return told?.active === true && sinceMs < fixedLimits.typingExpiresMs;
}
