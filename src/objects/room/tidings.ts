/** What webhook endpoints are told: made of what waits for them, or of the room's rows, as a reader without a name would see them. */
import { eventId, happeningOf, type Subject } from "../../core/happenings.ts";
import type { Change } from "../../protocol/changes.ts";
import { formatCursor } from "../../protocol/cursor.ts";
import type { WebhookEvent, WebhookEventType } from "../../protocol/webhook.ts";
import type { Waiting } from "./outbox.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { epochOf } from "./position.ts";
import { memberOf } from "./rows.ts";
import { nobody } from "./viewer.ts";

/** An event of the room's. */
export type Tiding = WebhookEvent & { readonly type: WebhookEventType };

/** A change, and what it has changed as that stands. */
interface Told {
  readonly type: WebhookEventType;
  readonly seq: number;
  readonly atMs: number;
  readonly data: object;
}

/** Null in the place of each of which nothing is left to be told: expired, erased or removed by retention. */
export function eventsOf(parts: RoomParts, waiting: readonly Waiting[], nowMs: number): (Tiding | null)[] {
  const epoch = epochOf(parts);
  return waiting.map((one) => {
    const { type, atMs } = one;
    if (!("seq" in one)) return { id: one.id, type, atMs, tenant: parts.tenant, room: parts.name, data: one.data };
    const data = lookUp(parts, one.subject, nowMs);
    return data === null ? null : changeEvent(parts, epoch, { type, seq: one.seq, atMs, data });
  });
}

/**
 * What was published after this seq, and the last change of each row that has changed after it, in order of seq: at most `limit`.
 * Each has the id that it has had from the beginning, but where a reaction was a row's last change: that is told as an update.
 */
export function eventsSince(parts: RoomParts, after: number, limit: number, nowMs: number): Tiding[] {
  const { store } = parts;
  const reading = { limit, nowMs, viewer: nobody };
  const created = store.messages.after(after, reading).map((message): Told => {
    return { type: "message.created", seq: message.id, atMs: message.createdAt, data: { message } };
  });
  // Each list is whole up to where it was cut, and none is cut before there are `limit` of all together: without the room's own,
  // which also says that retention has gone on.
  const changed = store.changedSince(after, { ...reading, limit: limit + 1 }).flatMap((change): Told[] => {
    if (change.type === "room") return [];
    return change.type === "message" && change.message.seq === change.message.id ? [] : [toldOf(change, nowMs)];
  });
  const epoch = epochOf(parts);
  return [...created, ...changed, ...settingsSince(parts, after, nowMs)]
    .sort((one, other) => one.seq - other.seq)
    .slice(0, limit)
    .map((told) => changeEvent(parts, epoch, told));
}

function changeEvent({ tenant, name }: RoomParts, epoch: string, { type, seq, atMs, data }: Told): Tiding {
  const cursor = formatCursor({ epoch, seq });
  return { id: eventId(epoch, seq, type), type, atMs, tenant, room: name, seq, data: { ...data, cursor } };
}

function settingsSince(parts: RoomParts, after: number, nowMs: number): Told[] {
  const { settings, settingsSeq: seq } = stateOf(parts);
  return seq > after ? [{ type: "room.updated", seq, atMs: nowMs, data: { settings } }] : [];
}

/** Of a row. When a member or the settings changed is not written down. */
function toldOf(change: Exclude<Change, { type: "room" }>, nowMs: number): Told {
  const { type, seq } = happeningOf(change);
  switch (change.type) {
    case "message": {
      const { deletedAt, editedAt, createdAt } = change.message;
      return { type, seq, atMs: deletedAt ?? editedAt ?? createdAt ?? nowMs, data: { message: change.message } };
    }
    case "member":
      return { type, seq, atMs: nowMs, data: { member: change.member } };
  }
}

function lookUp(parts: RoomParts, subject: Subject, nowMs: number): object | null {
  const { store } = parts;
  if ("settings" in subject) return { settings: stateOf(parts).settings };
  if ("member" in subject) {
    const row = store.members.get(subject.member);
    return row === null ? null : { member: memberOf(row) };
  }
  if ("stream" in subject) return streamOf(parts, subject.stream, nowMs);
  const { message: id, ...reaction } = subject;
  const message = store.messages.get(id, nowMs, nobody);
  return message === null ? null : { message, ...reaction };
}

/** What a message that was streamed has become. Its text is told where the message is. */
function streamOf({ store }: RoomParts, id: number, nowMs: number): object | null {
  const message = store.messages.get(id, nowMs, nobody);
  return message === null ? null : { id, status: message.status, length: message.text?.length ?? 0 };
}
