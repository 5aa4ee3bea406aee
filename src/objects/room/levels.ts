/** How much of each limit is left: told to a connection before it hears no, and to whoever asks. */
import { levelOf } from "../../core/allowance.ts";
import { warningsOf } from "../../core/warning.ts";
import type { LimitLevel } from "../../protocol/serverFrames.ts";
import type { Session } from "../../protocol/session.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { frameRateOf } from "./rates.ts";
import type { Seat } from "./roster.ts";

/** Of the limits on changes that apply to this session here. */
export function levelsOf({ store, rates, account }: RoomParts, session: Session, nowMs: number): LimitLevel[] {
  const { limits } = stateOf({ store }).policy;
  return [...rates.levels(session, limits, nowMs), ...account.levels];
}

/** To be called when a connection has changed something. */
export function warn(parts: RoomParts, seat: Seat, nowMs: number): void {
  const { limits } = stateOf(parts).policy;
  const ofSocket = levelOf("socket", seat.frames, frameRateOf(limits), nowMs);
  const { due, warned } = warningsOf([ofSocket, ...levelsOf(parts, seat.session, nowMs)], seat.warned);
  seat.warned = warned;
  for (const level of due) parts.roster.answer(seat, { type: "limit", ...level });
}
