/** What a socket sends: decoded, paid for, and handed to the operation it names. */
import { spend, tooFast } from "../../core/allowance.ts";
import { offend } from "../../core/closing.ts";
import { overAtMs } from "../../core/validity.ts";
import type { AppendFrame, ClientFrame, SnapshotFrame } from "../../protocol/clientFrames.ts";
import { decode } from "../../protocol/decode.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Refusal } from "../../protocol/refusals.ts";
import { sessionOf } from "../../protocol/relay.ts";
import type { Session } from "../../protocol/session.ts";
import { barred } from "./admittance.ts";
import { presencePage, setState } from "./attendance.ts";
import { cancel } from "./cancel.ts";
import { edit, remove } from "./edit.ts";
import { noteExceeded } from "./exceeded.ts";
import { warn } from "./levels.ts";
import { page } from "./pages.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { publish } from "./publish.ts";
import { type Admitted, type Outcome, settle } from "./queue.ts";
import { react } from "./react.ts";
import { frameRateOf } from "./rates.ts";
import { read } from "./readPositions.ts";
import type { Refreshed } from "./refresh.ts";
import { reseat } from "./reseat.ts";
import type { Seat } from "./roster.ts";
import { append, finish } from "./stream.ts";
import { snapshot } from "./streamView.ts";
import { see } from "./sweep.ts";
import { typing } from "./typing.ts";

/** Handles all frames of one event. Nothing is awaited: the platform reads a socket's next frame only when this one has ended. */
export function receive(parts: RoomParts, seat: Seat, raw: string | ArrayBuffer, nowMs: number): void {
  seat.traffic.hear(typeof raw === "string" ? raw.length : raw.byteLength);
  const { limits } = stateOf(parts).policy;
  const { expiresAt } = seat.session;
  if (expiresAt !== null && overAtMs(expiresAt) <= nowMs) return parts.roster.close(seat, "token_expired");
  const unwelcome = barred(parts, seat.session, nowMs);
  if (unwelcome !== null) return parts.roster.close(seat, unwelcome.error, unwelcome.detail);
  see(seat, nowMs);
  const renewed = seat.attachment.relayed ? sessionOf(raw) : null;
  if (renewed !== null) return goOn(parts, seat, renewed, nowMs);
  for (const decoded of decode(raw, limits.frameBytes)) {
    const ref = decoded.ok ? decoded.frame.ref : decoded.ref;
    // Appends have a limit of their own.
    const limited = decoded.ok && decoded.frame.type === "append" ? null : payForFrame(seat, limits, nowMs);
    if (limited !== null) refuseFrame(parts, seat, limited, ref, nowMs);
    else if (!decoded.ok) refuseFrame(parts, seat, decoded, ref, nowMs);
    else handle(parts, seat, decoded.frame, nowMs);
    if (parts.roster.find(seat.socket) === undefined) return;
  }
}

function handle(parts: RoomParts, seat: Seat, frame: ClientFrame, nowMs: number): void {
  const { session } = seat;
  const answer = (admitted: Admitted): void =>
    settle(parts.queue, admitted, session, (outcome) => answerChange(parts, seat, frame, outcome, nowMs));
  const answerAndWarn = (admitted: Admitted): void => {
    answer(admitted);
    if (admitted.ok && parts.roster.find(seat.socket) !== undefined) warn(parts, seat, nowMs);
  };
  switch (frame.type) {
    case "publish":
      return answerAndWarn(publish(parts, session, frame, nowMs));
    case "edit":
      return answerAndWarn(edit(parts, session, frame, nowMs));
    case "delete":
      return answerAndWarn(remove(parts, session, frame, nowMs));
    case "react":
      return answerAndWarn(react(parts, session, frame, nowMs));
    case "read":
      return answer(read(parts, session, frame, nowMs));
    case "history":
      return answerPage(parts, seat, frame, nowMs);
    case "ping":
      return parts.roster.answer(seat, { type: "pong" });
    case "typing":
      return answer(typing(parts, seat, frame, nowMs));
    case "presence.set":
      return answer(setState(parts, seat, frame, nowMs));
    case "presence.get":
      return answerPresence(parts, seat, frame, nowMs);
    case "token":
      return parts.refresher.begin(parts, seat, frame.token, nowMs, (outcome) =>
        answerRefresh(parts, seat, frame.ref, outcome),
      );
    case "append":
      return answerAppend(parts, seat, frame, nowMs);
    case "finish":
      return answerAndWarn(finish(parts, session, frame, nowMs));
    case "cancel":
      return answerAndWarn(cancel(parts, session, frame, nowMs));
    case "snapshot":
      return answerSnapshot(parts, seat, frame, nowMs);
  }
}

/** A frame without a `ref` asks for no answer, but is told when it is refused. */
function answerChange(parts: RoomParts, seat: Seat, { ref }: ClientFrame, outcome: Outcome, nowMs: number): void {
  if (!outcome.ok) return refuseFrame(parts, seat, outcome, ref, nowMs);
  if (ref === undefined) return;
  const { id, seq, duplicate } = outcome;
  parts.roster.answer(seat, {
    type: "ack",
    ref,
    // Of what is not stored there is none.
    ...(id === 0 ? {} : { id }),
    ...(seq === 0 ? {} : { seq }),
    ...(duplicate ? { duplicate } : {}),
  });
}

/** Not durable: that it is in its place, and how long the text is now. */
function answerAppend(parts: RoomParts, seat: Seat, frame: AppendFrame, nowMs: number): void {
  const { ref, id } = frame;
  const answer = append(parts, seat.session, frame, nowMs);
  if (!answer.ok) refuseFrame(parts, seat, answer, ref, nowMs);
  else if (ref !== undefined) parts.roster.answer(seat, { type: "ack", ref, id, at: answer.at });
}

function answerSnapshot(parts: RoomParts, seat: Seat, { ref, id }: SnapshotFrame, nowMs: number): void {
  const found = snapshot(parts, seat.session, { id }, nowMs);
  if (!found.ok) return refuseFrame(parts, seat, found, ref, nowMs);
  parts.roster.answer(seat, { type: "snapshot", ...(ref === undefined ? {} : { ref }), id, text: found.text });
}

function answerRefresh(parts: RoomParts, seat: Seat, ref: string | undefined, outcome: Refreshed): void {
  if (!outcome.ok) return refuseFrame(parts, seat, outcome, ref, Date.now());
  const { expiresAt } = outcome;
  parts.roster.answer(seat, { type: "token", ...(ref === undefined ? {} : { ref }), expiresAt });
}

/** The client's connection has a new token. A room in which that grants nothing says so, and goes on by the old one to its end. */
function goOn(parts: RoomParts, seat: Seat, session: Session, nowMs: number): void {
  const refused = reseat(parts, seat, session, nowMs);
  if (refused !== null) refuseFrame(parts, seat, refused, undefined, nowMs);
}

function answerPage(parts: RoomParts, seat: Seat, frame: ClientFrame & { type: "history" }, nowMs: number): void {
  const found = page(parts, seat.session, frame, nowMs);
  if (!found.ok) return refuseFrame(parts, seat, found, frame.ref, nowMs);
  const { messages, hasMore, cursor, start } = found;
  parts.roster.answer(seat, { type: "page", ref: frame.ref, messages, hasMore, cursor, start });
}

function answerPresence(
  parts: RoomParts,
  seat: Seat,
  frame: ClientFrame & { type: "presence.get" },
  nowMs: number,
): void {
  const found = presencePage(parts, seat.session, frame);
  if (!found.ok) return refuseFrame(parts, seat, found, frame.ref, nowMs);
  const { ok: _, ...members } = found;
  parts.roster.answer(seat, { type: "presence.page", ref: frame.ref, ...members });
}

/** A refused frame alone never closes a socket; many in a short time do. */
function refuseFrame(parts: RoomParts, seat: Seat, refusal: Refusal, ref: string | undefined, nowMs: number): void {
  const { roster } = parts;
  noteExceeded(parts, seat.session, refusal, nowMs);
  if (roster.find(seat.socket) === undefined) return;
  roster.refuse(seat, refusal, ref);
  const { tooMany, offences } = offend(seat.offences, nowMs);
  seat.offences = offences;
  if (tooMany) roster.close(seat, "rate_limited", "Too many refused frames.");
}

function payForFrame(seat: Seat, limits: Limits, nowMs: number): Refusal | null {
  const rate = frameRateOf(limits);
  const spent = spend(seat.frames, rate, nowMs);
  if (!spent.ok)
    return tooFast("socket", `At most ${rate.perSecond} frames per second on a connection.`, rate, spent.retryAfterMs);
  seat.frames = spent.allowance;
  return null;
}
