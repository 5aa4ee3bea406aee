/** Whether a change may join the queue: rights and state are looked at here, rates are spent by the room. */
import type { Role } from "../protocol/capabilities.ts";
import type { EditFrame, PublishFrame } from "../protocol/clientFrames.ts";
import type { Limits } from "../protocol/limits.ts";
import type { RoomSettings } from "../protocol/message.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import type { Session } from "../protocol/session.ts";
import { utf8Length } from "../protocol/text.ts";
import { may } from "./rights.ts";

export type Verdict = { readonly ok: true } | Refusal;

const admitted: Verdict = { ok: true };

export interface Standing {
  readonly role: Role | null;
  readonly mutedUntilMs: number | null;
}

/** A muted user or a frozen room: for whoever changes what others read. */
export function silenced(
  session: Session,
  { role, mutedUntilMs }: Standing,
  settings: RoomSettings,
  nowMs: number,
): Verdict {
  if (mutedUntilMs !== null && mutedUntilMs > nowMs) {
    return refuse("muted", undefined, { retryAfterMs: mutedUntilMs - nowMs });
  }
  if (settings.frozen && !may(session, role, "moderate")) return refuse("room_frozen");
  return admitted;
}

export function fitsMessage(
  frame: Pick<PublishFrame, "text" | "data" | "attachments" | "streaming">,
  limits: Limits,
): Verdict {
  if (frame.streaming === true)
    return refuse("invalid_field", "`streaming`: this server does not stream messages yet.");
  if (frame.attachments !== undefined && frame.attachments.length > 0)
    return refuse("not_found", "`attachments`: there is no such upload.");
  if ((frame.text ?? null) === null && (frame.data ?? null) === null)
    return refuse("invalid_field", "A message needs `text` or `data`.");
  return fitsContent(frame, limits);
}

export function fitsEdit(frame: Pick<EditFrame, "text" | "data">, limits: Limits): Verdict {
  if (frame.text === undefined && frame.data === undefined)
    return refuse("invalid_field", "An edit needs `text` or `data`.");
  return fitsContent(frame, limits);
}

function fitsContent({ text, data }: Pick<PublishFrame, "text" | "data">, limits: Limits): Verdict {
  if ((text?.length ?? 0) > limits.textLength)
    return refuse("too_large", `\`text\` may have ${limits.textLength} UTF-16 units.`);
  if (data !== undefined && data !== null && utf8Length(JSON.stringify(data)) > limits.dataBytes) {
    return refuse("too_large", `\`data\` may have ${limits.dataBytes} bytes of JSON.`);
  }
  return admitted;
}
