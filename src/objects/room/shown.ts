/** A message as the one who has changed it is shown it. */
import { may } from "../../core/rights.ts";
import type { Message } from "../../protocol/message.ts";
import type { Session } from "../../protocol/session.ts";
import type { RoomParts } from "./parts.ts";
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
