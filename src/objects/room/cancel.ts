/** Cancelling a message that is being streamed, by whoever may. */
import { silenced } from "../../core/admission.ts";
import { may } from "../../core/rights.ts";
import { actorOfSession } from "../../protocol/actor.ts";
import type { CancelFrame } from "../../protocol/clientFrames.ts";
import type { Session } from "../../protocol/session.ts";
import type { Log } from "./log.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { isAnswerTo } from "./put.ts";
import type { Admitted, Outcome } from "./queue.ts";
import { lacks, standingOf } from "./standing.ts";
import type { LiveStream } from "./store/streams.ts";
import { applyEnd, isOver, retried } from "./streamEnd.ts";
import { streamOf } from "./streamView.ts";

/**
 * From any device of the producer's, by a moderator, or where an assistant answers by whoever has asked it. It waits behind nothing
 * that its sender has said: who cancels while the hook thinks about the end is faster than that.
 */
export function cancel(
  parts: RoomParts,
  session: Session,
  { id, reason }: Pick<CancelFrame, "id" | "reason">,
  nowMs: number,
): Admitted {
  const { policy, settings } = stateOf(parts);
  const { role } = standingOf(parts, session);
  const moderates = may(session, role, "moderate");
  const hasAsked = isAnswerTo(parts, session, id, nowMs);
  const refused =
    (moderates ? null : lacks(parts, session, hasAsked ? "publish" : "stream")) ??
    silenced(session, standingOf(parts, session), settings, nowMs) ??
    parts.account.refusal(nowMs) ??
    parts.rates.payForChange(session, policy.limits, nowMs);
  if (refused !== null) return refused;
  const end = { status: "cancelled" as const };
  const stream = streamOf(parts, session, id, nowMs, moderates || hasAsked);
  if ("error" in stream) return isOver(stream) ? retried(parts, session, { id, ...end }, nowMs, stream) : stream;
  // Of one who is not to be heard it is answered, and goes on.
  const hasEnded = (outcome: Outcome): boolean =>
    outcome.ok && !outcome.duplicate && parts.store.streams.get(id) === undefined;
  const apply = (log: Log): Outcome => {
    const outcome = applyEnd(parts, log, session, id, {
      ...end,
      text: stream.text.kept(stateOf(parts).policy.words),
    });
    if (hasEnded(outcome) && !hasAsked) noteForeign(parts, log, session, stream, reason);
    return outcome;
  };
  const tell = (outcome: Outcome): void => {
    if (hasEnded(outcome) || (outcome.ok && stream.sender === session.user))
      tellProducer(parts, stream, session.user, reason);
  };
  return {
    ok: true,
    entry: { bytes: 0, charged: true, apply, waiters: [tell] },
    joins: false,
  };
}

/** Every connection of the producer's, whichever of them it was that wrote. */
export function tellProducer(
  { roster }: RoomParts,
  { id, sender }: Pick<LiveStream, "id" | "sender">,
  by: string | null,
  reason?: string,
): void {
  for (const seat of roster.seats)
    if (seat.session.user === sender && seat.attachment.listensTo === null)
      roster.answer(seat, { type: "cancel", id, by, ...(reason === undefined ? {} : { reason }) });
}

/** To end what another says is moderation. */
function noteForeign(
  { deeds }: RoomParts,
  log: Log,
  session: Session,
  { id, sender }: LiveStream,
  reason: string | undefined,
): void {
  if (sender === session.user) return;
  const target = { message: id, ...(sender === null ? {} : { user: sender }) };
  const after = reason === undefined ? {} : { after: { reason } };
  deeds.add(actorOfSession(session), "message.cancelled", { target, ...after }, log.nowMs);
}
