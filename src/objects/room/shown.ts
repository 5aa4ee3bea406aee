/** A message as the one who has changed it is shown it. */
import { may } from "../../core/rights.ts";
import type { Message } from "../../protocol/message.ts";
import type { LimitLevel } from "../../protocol/serverFrames.ts";
import type { Session } from "../../protocol/session.ts";
import type { Answer } from "./calls.ts";
import { levelsOf } from "./levels.ts";
import type { RoomParts } from "./parts.ts";
import { headCursor } from "./position.ts";
import type { Stored } from "./queue.ts";
import { standingOf } from "./standing.ts";
import { viewerOf } from "./viewer.ts";

/** Null for who may not read, and when it has gone meanwhile. What was published just now is its sender's `own`, who is shown it in any case. */
export function shownMessage(
  parts: RoomParts,
  session: Session,
  id: number,
  { own, nowMs }: { readonly own: boolean; readonly nowMs: number },
): Message | null {
  const shown = own || may(session, standingOf(parts, session).role, "read");
  return shown ? parts.store.messages.get(id, nowMs, viewerOf(parts, session)) : null;
}

/** `message` is null for who may not read, and when it has gone meanwhile. */
export type MessageAnswer = Answer<{ message: Message | null; cursor: string; levels: readonly LimitLevel[] }>;

/** To whoever has changed it, when that is stored. `own`: published just now. */
export function messageAnswer(parts: RoomParts, session: Session, { id }: Stored, own = false): MessageAnswer {
  const nowMs = Date.now();
  const message = shownMessage(parts, session, id, { own, nowMs });
  return { ok: true, message, cursor: headCursor(parts), levels: levelsOf(parts, session, nowMs) };
}
