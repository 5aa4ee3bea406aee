/** Reacting to a message: each user once with an emoji. */
import { silenced } from "../../core/admission.ts";
import { hasRoomFor, withoutReaction, withReaction } from "../../core/reactions.ts";
import { needs } from "../../core/rights.ts";
import type { ReactFrame } from "../../protocol/clientFrames.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import { ignored, isIgnored } from "./admittance.ts";
import { crowded } from "./capacity.ts";
import type { Log } from "./log.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import type { Admitted, Outcome } from "./queue.ts";
import { senderOf } from "./rates.ts";
import { standingOf } from "./standing.ts";
import { viewerOf } from "./viewer.ts";

export function react(parts: RoomParts, session: Session, frame: ReactFrame, nowMs: number): Admitted {
  const { user } = session;
  const { settings, policy } = stateOf(parts);
  const standing = standingOf(parts, session);
  if (user === null) return refuse("forbidden", "Only a user can react: name one in `Parley-User`.");
  const refused =
    needs(session, standing.role, "react") ??
    silenced(session, standing, settings, nowMs) ??
    crowded(parts) ??
    parts.account.refusal(nowMs) ??
    parts.rates.payForChange(session, policy.limits, nowMs);
  const apply = (log: Log): Outcome => applyReaction(parts, log, session, user, frame);
  return (
    refused ?? {
      ok: true,
      entry: { bytes: 0, charged: true, sender: senderOf(session), apply, waiters: [] },
      joins: false,
    }
  );
}

function applyReaction(
  parts: RoomParts,
  log: Log,
  session: Session,
  user: string,
  { id, emoji, remove = false }: ReactFrame,
): Outcome {
  const { store } = parts;
  const message = store.messages.get(id, log.nowMs, viewerOf(parts, session));
  if (message === null) return refuse("not_found", "There is no such message.");
  if (message.deletedAt !== null) return refuse("conflict", "The message was deleted.");
  const present = store.reactions.has(id, emoji, user);
  if (present !== remove) return { ok: true, id, seq: message.seq, duplicate: true };
  if (!remove && !hasRoomFor(message.reactions, emoji))
    return refuse("conflict", `A message holds ${fixedLimits.emojiPerMessage} different emoji.`);
  if (isIgnored(parts, session, message, log.nowMs)) return ignored(message);
  if (remove) store.reactions.remove(id, emoji, user);
  else store.reactions.add(id, emoji, user, log.nowMs);
  const reactions = remove
    ? withoutReaction(
        message.reactions,
        emoji,
        store.reactions.of(id, emoji, fixedLimits.reactionUsersListed).map((reaction) => reaction.user),
      )
    : withReaction(message.reactions, emoji, user);
  const patch = { id, seq: log.next(), reactions };
  store.messages.saveReactions(patch);
  const type = remove ? "reaction.removed" : "reaction.added";
  log.changed({ type: "message", message: patch }, { type, seq: patch.seq, subject: { message: id, emoji, user } });
  return { ok: true, id, seq: patch.seq, duplicate: false };
}
