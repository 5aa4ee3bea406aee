/** The end of a message being streamed: one change, whoever brings it about. */
import { endingsOf } from "../../core/happenings.ts";
import type { FinishFrame } from "../../protocol/clientFrames.ts";
import type { Message } from "../../protocol/message.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import { ignored, isIgnored } from "./admittance.ts";
import type { Log } from "./log.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import type { Admitted, Entry, Outcome } from "./queue.ts";
import type { LiveStream } from "./store/streams.ts";
import { unknown } from "./streamView.ts";
import { viewerOf } from "./viewer.ts";

/** What a stream ends with. */
export type End = Pick<Message, "status" | "text">;

export function isOver({ error }: Refusal): boolean {
  return error === "stream_closed" || error === "stream_cancelled";
}

/** The same end once more has brought about what was asked for. */
export function retried(
  parts: RoomParts,
  session: Session,
  { id, status, text }: Pick<FinishFrame, "id" | "text"> & Pick<End, "status">,
  nowMs: number,
  refusal: Refusal,
): Admitted {
  const message = parts.store.messages.get(id, nowMs, viewerOf(parts, session));
  const isSame = message?.status === status && message.deletedAt === null && (text ?? message.text) === message.text;
  return message !== null && isSame ? { ok: true, id, seq: message.seq, duplicate: true } : refusal;
}

/** Something else may have ended it since this was admitted. */
export function applyEnd(parts: RoomParts, log: Log, session: Session, id: number, end: End): Outcome {
  const message = parts.store.messages.get(id, log.nowMs, viewerOf(parts, session));
  if (message === null) return unknown;
  if (message.status !== "streaming")
    return message.status === end.status && message.deletedAt === null
      ? { ok: true, id, seq: message.seq, duplicate: true }
      : refuse(message.status === "cancelled" ? "stream_cancelled" : "stream_closed");
  if (isIgnored(parts, session, message, log.nowMs)) return ignored(message);
  return endStream(parts, log, id, end);
}

/** One change: the text as it stays, and how it ended. */
function endStream({ store }: Pick<RoomParts, "store">, log: Log, id: number, { status, text }: End): Outcome {
  const patch = { id, seq: log.next(), text, status };
  store.streams.end(id, patch);
  log.changed({ type: "message", message: patch }, endingsOf(patch));
  return { ok: true, id, seq: patch.seq, duplicate: false };
}

/** For what is done to a message besides: where it is being streamed that is over by the same change, of which this is a part. */
export function endBefore(
  { store }: Pick<RoomParts, "store">,
  { id, seq }: Pick<Message, "id" | "seq">,
  status: "cancelled" | "interrupted",
): Partial<End> {
  const stream = store.streams.get(id);
  if (stream === undefined) return {};
  const text = stream.text.kept(stateOf({ store }).policy.words);
  store.streams.end(id, { seq, text, status });
  return { text, status };
}

/** It holds what must not be said. What was shown of it stays, or nothing does. */
export function fail(parts: RoomParts, { id }: LiveStream, text?: string): void {
  parts.queue.add({ bytes: 0, apply: (log) => endNow(parts, log, id, "failed", text), waiters: [] });
}

/** Their producers are gone, or do not come to an end. */
export function interruption(parts: RoomParts, ids: readonly number[]): Entry {
  const apply = (log: Log): Outcome => {
    for (const id of ids) endNow(parts, log, id, "interrupted");
    return { ok: true, id: 0, seq: log.head, duplicate: ids.length === 0 };
  };
  return { bytes: 0, apply, waiters: [] };
}

function endNow(parts: RoomParts, log: Log, id: number, status: End["status"], text?: string): Outcome {
  const stream = parts.store.streams.get(id);
  if (stream === undefined) return { ok: true, id: 0, seq: 0, duplicate: true };
  return endStream(parts, log, id, { status, text: text ?? stream.text.kept(stateOf(parts).policy.words) });
}
