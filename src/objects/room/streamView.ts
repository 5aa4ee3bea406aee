/** What a session is shown of a message being streamed: its text so far, and the stream itself, where something may be done to it. */
import type { SnapshotFrame } from "../../protocol/clientFrames.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import type { RoomParts } from "./parts.ts";
import { lacks } from "./standing.ts";
import type { LiveStream } from "./store/streams.ts";
import { sees, viewerOf } from "./viewer.ts";

/** The whole text so far, for whoever sees the message. */
export function snapshot(
  parts: RoomParts,
  session: Session,
  { id }: Pick<SnapshotFrame, "id">,
  nowMs: number,
): { readonly ok: true; readonly text: string } | Refusal {
  const refused = lacks(parts, session, "read");
  if (refused !== null) return refused;
  const stream = seen(parts, session, id, nowMs);
  if (stream !== null) return { ok: true, text: stream.text.shown };
  const message = parts.store.messages.get(id, nowMs, viewerOf(parts, session));
  return message === null ? unknown : refuse("stream_closed", "The message is not being streamed.");
}

/** For whoever joins: what it cannot know of the messages in its window. */
export function snapshotsFor(parts: RoomParts, session: Session, start: number, nowMs: number): string[] {
  return [...parts.store.streams.all]
    .filter(({ id }) => id >= start && seen(parts, session, id, nowMs) !== null)
    .map(({ id, text }) => JSON.stringify({ type: "snapshot", id, text: text.shown }));
}

export const unknown = refuse("not_found", "There is no such message.");

/** The stream, where it is the session's own, or anybody's whom a moderator sees; or why it is not. */
export function streamOf(
  parts: RoomParts,
  session: Session,
  id: number,
  nowMs: number,
  anybodys = false,
): LiveStream | Refusal {
  const stream = seen(parts, session, id, nowMs);
  if (stream !== null) {
    return stream.sender === session.user || anybodys ? stream : foreign;
  }
  const message = parts.store.messages.get(id, nowMs, viewerOf(parts, session));
  if (message === null) return unknown;
  const isOwn = (message.sender?.id ?? null) === session.user;
  if (!isOwn && !anybodys) return foreign;
  return refuse(message.status === "cancelled" ? "stream_cancelled" : "stream_closed");
}

const foreign = refuse("forbidden", "The message is another's.");

function seen(parts: RoomParts, session: Session, id: number, nowMs: number): LiveStream | null {
  const stream = parts.store.streams.get(id);
  if (stream === undefined || (stream.expiresAt ?? Infinity) <= nowMs) return null;
  return !stream.isHidden || sees(viewerOf(parts, session), stream.sender) ? stream : null;
}
