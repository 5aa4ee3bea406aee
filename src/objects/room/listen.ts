/** A socket that listens to one message alone: its text so far, how it goes on, and its end. It is one that our Worker holds. */
import { formatCursor } from "../../protocol/cursor.ts";
import type { Message } from "../../protocol/message.ts";
import type { EndFrame, ListeningFrame } from "../../protocol/messageStream.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import type { JoinRequest } from "./join.ts";
import type { RoomParts } from "./parts.ts";
import { epochOf } from "./position.ts";
import type { LiveStream } from "./store/streams.ts";
import { viewerOf } from "./viewer.ts";

type Wish = NonNullable<JoinRequest["message"]>;

export interface Heard {
  readonly frames: readonly string[];
  /** There is nothing to wait for. */
  readonly hasEnded: boolean;
}

/** Null where the message can be listened to: what is gone or hidden is as good as unknown. */
export function unheard(parts: RoomParts, session: Session, { id }: Pick<Wish, "id">, nowMs: number): Refusal | null {
  return shownTo(parts, session, id, nowMs) === null ? refuse("not_found", "There is no such message.") : null;
}

/** What a listener is told first: where it has a part of the text, only the rest. Null where there is no such message. */
export function heardBy(parts: RoomParts, session: Session, { id, at }: Wish, nowMs: number): Heard | null {
  const message = shownTo(parts, session, id, nowMs);
  if (message === null) return null;
  const stream = parts.store.streams.get(id);
  if (stream === undefined)
    return { frames: [listening(message), snapshot(message), endOf(parts, message)], hasEnded: true };
  // Where the text ends is told first after a loss of memory: who comes before that must not have more of it.
  const heard = stream.isRecovered ? { id, text: toldOf(stream) } : message;
  const text = stream.wasLost || at === null ? snapshot(heard) : textFrom(heard, at);
  return { frames: [listening(message), text], hasEnded: false };
}

/**
 * Tells those who listen to a message that it has ended. To be called after each flush: whatever has ended it, by whoever, was
 * stored by one.
 */
export function tellEnds(parts: RoomParts, nowMs: number): void {
  const { roster, store } = parts;
  const ended = store.streams.takeEnded();
  for (const seat of roster.listeners()) {
    const id = seat.attachment.listensTo;
    if (id === null || store.streams.get(id) !== undefined) continue;
    const message = shownTo(parts, seat.session, id, nowMs);
    if (message === null) roster.close(seat, "not_found", "There is no such message any more.");
    else roster.dismiss(seat, [lastOf(message, ended.get(id)), endOf(parts, message)]);
  }
}

/** What a listener has not heard of the text: the rest of it, or all where it did not stay as it was told. */
function lastOf(message: Message, stream: LiveStream | undefined): string {
  if (stream === undefined || stream.isRecovered) return snapshot(message);
  const told = toldOf(stream);
  return message.text?.startsWith(told) === true ? textFrom(message, told.length) : snapshot(message);
}

function toldOf({ text: { shown, untold } }: LiveStream): string {
  return shown.slice(0, shown.length - untold.length);
}

function shownTo(parts: RoomParts, session: Session, id: number, nowMs: number): Message | null {
  const message = parts.store.messages.get(id, nowMs, viewerOf(parts, session));
  return message === null || message.deletedAt !== null ? null : message;
}

function listening({ expiresAt }: Message): string {
  return JSON.stringify({ type: "listening", expiresAt } satisfies ListeningFrame);
}

type Text = Pick<Message, "id" | "text">;

function snapshot({ id, text }: Text): string {
  return JSON.stringify({ type: "snapshot", id, text: text ?? "" });
}

/** What follows after so much of it; the whole where there is not so much. */
function textFrom(message: Text, at: number): string {
  const { id, text } = message;
  if (at > (text?.length ?? 0)) return snapshot(message);
  return JSON.stringify({ type: "delta", id, at, text: text?.slice(at) });
}

function endOf(parts: RoomParts, { id, seq, status, text }: Message): string {
  const cursor = formatCursor({ epoch: epochOf(parts), seq });
  return JSON.stringify({ type: "end", id, status, length: text?.length ?? 0, cursor } satisfies EndFrame);
}
