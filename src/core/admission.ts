/** Whether a change may join the queue: its author's standing, the room's state and the content are looked at here. */
import type { Role } from "../protocol/capabilities.ts";
import type { EditFrame, PublishFrame } from "../protocol/clientFrames.ts";
import type { Limits } from "../protocol/limits.ts";
import { noEndMs, type RoomSettings } from "../protocol/message.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import type { Session } from "../protocol/session.ts";
import { utf8Length } from "../protocol/text.ts";
import { may } from "./rights.ts";

export interface Standing {
  readonly role: Role | null;
  readonly mute: { readonly untilMs: number; readonly reason: string | null } | null;
}

/** A muted user or a frozen room: for whoever changes what others read. */
export function silenced(
  session: Session,
  { role, mute }: Standing,
  settings: RoomSettings,
  nowMs: number,
): Refusal | null {
  if (mute !== null && mute.untilMs > nowMs) {
    const detail = mute.reason === null ? undefined : `The user is muted in this room: ${mute.reason}`;
    return refuse("muted", detail, mute.untilMs === noEndMs ? {} : { retryAfterMs: mute.untilMs - nowMs });
  }
  return settings.frozen && !may(session, role, "moderate") ? refuse("room_frozen") : null;
}

/** Slow mode: from one message of a user to the next. */
export function tooSoon(slowModeMs: number, spokeAtMs: number | null, nowMs: number): Refusal | null {
  // Of a clock that was set back nobody waits longer than the span.
  const waitMs = spokeAtMs === null ? 0 : Math.min(slowModeMs, spokeAtMs + slowModeMs - nowMs);
  if (waitMs <= 0) return null;
  const detail = `The room is in slow mode: one message in ${Math.ceil(slowModeMs / 1_000)} s.`;
  const limit = { scope: "slow_mode", limit: 1, windowMs: slowModeMs, remaining: 0 };
  return refuse("slow_mode", detail, { retryAfterMs: waitMs, limit });
}

export function unfitMessage(
  frame: Pick<PublishFrame, "text" | "data" | "attachments" | "streaming">,
  limits: Limits,
): Refusal | null {
  const { text = null, data = null, attachments = [], streaming = false } = frame;
  // Its text is yet to come.
  if (!streaming && text === null && data === null && attachments.length === 0)
    return refuse("invalid_field", "A message needs `text`, `data` or `attachments`.");
  return unfitContent(frame, limits);
}

export function unfitEdit(frame: Pick<EditFrame, "text" | "data">, limits: Limits): Refusal | null {
  if (frame.text === undefined && frame.data === undefined)
    return refuse("invalid_field", "An edit needs `text` or `data`.");
  return unfitContent(frame, limits);
}

/** Bytes of the content, for the size of a flush. */
export function contentBytes({ text, data }: Pick<PublishFrame, "text" | "data">): number {
  return utf8Length(text ?? "") + dataBytes(data);
}

function unfitContent({ text, data }: Pick<PublishFrame, "text" | "data">, limits: Limits): Refusal | null {
  if ((text?.length ?? 0) > limits.textLength)
    return refuse("too_large", `\`text\` may have ${limits.textLength} UTF-16 units.`);
  return dataBytes(data) > limits.dataBytes
    ? refuse("too_large", `\`data\` may have ${limits.dataBytes} bytes of JSON.`)
    : null;
}

function dataBytes(data: unknown): number {
  return data === undefined || data === null ? 0 : utf8Length(JSON.stringify(data));
}
