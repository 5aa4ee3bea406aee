/** Pinning: what those who moderate have set before everybody's eyes. */
import { silenced } from "../../core/admission.ts";
import { actorOfSession } from "../../protocol/actor.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import { ignored, isIgnored } from "./admittance.ts";
import { crowded } from "./capacity.ts";
import type { Log } from "./log.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { newerThan, type Slice } from "./pages.ts";
import { headCursor } from "./position.ts";
import type { Admitted, Outcome } from "./queue.ts";
import { senderOf } from "./rates.ts";
import { lacks, standingOf } from "./standing.ts";
import { viewerOf } from "./viewer.ts";

export interface PinRequest {
  readonly id: number;
  readonly remove: boolean;
}

export function pin(parts: RoomParts, session: Session, request: PinRequest, nowMs: number): Admitted {
  const { settings, policy } = stateOf(parts);
  const refused =
    lacks(parts, session, "moderate") ??
    silenced(session, standingOf(parts, session), settings, nowMs) ??
    (request.remove ? null : crowded(parts)) ??
    parts.account.refusal(nowMs) ??
    parts.rates.payForChange(session, policy.limits, nowMs);
  const apply = (log: Log): Outcome => applyPin(parts, log, session, request);
  return (
    refused ?? {
      ok: true,
      entry: { bytes: 0, charged: true, sender: senderOf(session), apply, waiters: [] },
      joins: false,
    }
  );
}

/** What is pinned stays so by whom it was first. */
function applyPin(parts: RoomParts, log: Log, session: Session, { id, remove }: PinRequest): Outcome {
  const { store, deeds } = parts;
  const message = store.messages.get(id, log.nowMs, viewerOf(parts, session));
  if (message === null) return refuse("not_found", "There is no such message.");
  if ((message.pinned === null) === remove) return { ok: true, id, seq: message.seq, duplicate: true };
  if (message.deletedAt !== null) return refuse("conflict", "The message was deleted.");
  if (!remove && store.pins.count >= fixedLimits.pinsPerRoom)
    return refuse("conflict", `A room has ${fixedLimits.pinsPerRoom} pinned messages.`);
  if (isIgnored(parts, session, message, log.nowMs)) return ignored(message);
  const pinned = remove ? null : { by: session.user, at: log.nowMs };
  const patch = { id, seq: log.next(), pinned };
  store.messages.touch(patch);
  if (pinned === null) store.pins.remove(id);
  else store.pins.save(id, pinned);
  const target = { message: id, ...(message.sender === null ? {} : { user: message.sender.id }) };
  deeds.add(actorOfSession(session), remove ? "message.unpinned" : "message.pinned", { target }, log.nowMs);
  log.changed({ type: "message", message: patch });
  return { ok: true, id, seq: patch.seq, duplicate: false };
}

export type PinsPage = Slice & { readonly cursor: string };

/** In order of id, as the reader is shown them: so many at most, and at most the bytes of a replay. */
export function pins(
  parts: RoomParts,
  session: Session,
  { after, limit }: { readonly after: number; readonly limit: number },
  nowMs: number,
): Refusal | ({ readonly ok: true } & PinsPage) {
  const forbidden = lacks(parts, session, "read");
  if (forbidden !== null) return forbidden;
  const { replayBytes: bytes } = stateOf(parts).policy.limits;
  const reading = { parts, limit, bytes, nowMs, viewer: viewerOf(parts, session), only: { pinned: true } } as const;
  return { ok: true, ...newerThan(reading, after), cursor: headCursor(parts) };
}
