/** What happens in a room, as the tenant's webhook endpoints hear of it: of a change only which it was, and what it concerns. */
import { type Change, seqOf } from "../protocol/changes.ts";
import type { MessagePatch } from "../protocol/message.ts";
import type { WebhookEventType } from "../protocol/webhook.ts";

/** What a change concerns. Looked up when it is handed on, so that nothing is told that has been removed meanwhile. */
export type Subject =
  | { readonly message: number }
  | { readonly message: number; readonly emoji: string; readonly user: string }
  | { readonly stream: number }
  | { readonly member: string }
  | { readonly settings: true };

/** A change, by its seq; or something live, with all that is said of it. */
export type Happening = DurableHappening | { readonly type: WebhookEventType; readonly data: LiveData };

export interface DurableHappening {
  readonly type: WebhookEventType;
  readonly seq: number;
  readonly subject: Subject;
}

export type LiveData = Readonly<Record<string, unknown>>;

/** Of a row as it stands it is the row's last change, as far as the row tells: not that it was a reaction. */
export function happeningOf(change: Change): DurableHappening {
  return { type: typeOf(change), seq: seqOf(change), subject: subjectOf(change) };
}

/** All that a change tells of by which a message is not streamed any more. */
export function endingsOf(message: MessagePatch): DurableHappening[] {
  const { id, seq } = message;
  return [happeningOf({ type: "message", message }), { type: "stream.ended", seq, subject: { stream: id } }];
}

/** The same however often it is told, for ever. */
export function eventId(epoch: string, seq: number, type: WebhookEventType): string {
  return `${epoch}:${seq}:${type}`;
}

function typeOf(change: Change): WebhookEventType {
  switch (change.type) {
    case "message":
      if ((change.message.deletedAt ?? null) !== null) return "message.deleted";
      return change.message.id === change.message.seq ? "message.created" : "message.updated";
    case "member":
      return change.member.role === null ? "member.removed" : "member.updated";
    case "room":
      return "room.updated";
  }
}

function subjectOf(change: Change): Subject {
  switch (change.type) {
    case "message":
      return { message: change.message.id };
    case "member":
      return { member: change.member.user };
    case "room":
      return { settings: true };
  }
}
