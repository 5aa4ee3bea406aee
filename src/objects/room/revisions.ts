/** What a message said before: for its author and for those who moderate, where the room keeps it. */
import { takeWithin } from "../../core/replay.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { Message } from "../../protocol/message.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { lacks } from "./standing.ts";
import type { Revision } from "./store/revisions.ts";
import { viewerOf } from "./viewer.ts";

export interface RevisionsRequest {
  readonly id: number;
  /** A version. */
  readonly after: number;
  readonly limit: number;
}

export interface RevisionsPage {
  readonly revisions: Revision[];
  /** After which version the next page begins. */
  readonly next: number | null;
}

/** A page, the oldest first; of at most the bytes of a replay. */
export function revisions(
  parts: RoomParts,
  session: Session,
  { id, after, limit }: RevisionsRequest,
  nowMs: number,
): Refusal | ({ readonly ok: true } & RevisionsPage) {
  const viewer = viewerOf(parts, session);
  const message = parts.store.messages.get(id, nowMs, viewer);
  const forbidden = lacks(parts, session, "read");
  if (forbidden !== null) return forbidden;
  if (message === null) return refuse("not_found", "There is no such message.");
  if (!viewer.moderates && (viewer.user === null || message.sender?.id !== viewer.user))
    return refuse("forbidden", "This needs the capability `moderate`: the message is another's.");
  const found = parts.store.revisions.of(id, after, limit + 1);
  const sized = found.slice(0, limit).map((revision) => ({ seq: 0, json: JSON.stringify(revision), revision }));
  const kept = takeWithin(sized, stateOf(parts).policy.limits.replayBytes).map(({ revision }) => revision);
  return { ok: true, revisions: kept, next: kept.length < found.length ? (kept.at(-1)?.version ?? after) : null };
}

/** Whether the room keeps what messages said, and of this one as much as it can. */
export function unkeepable(parts: RoomParts, { id }: Message): Refusal | null {
  const { settings } = stateOf(parts);
  if (!settings.keepRevisions || parts.store.revisions.count(id) < fixedLimits.revisionsPerMessage) return null;
  return refuse("conflict", `The room keeps ${fixedLimits.revisionsPerMessage} earlier versions of a message.`);
}

export function keepRevision(parts: RoomParts, message: Message): void {
  if (stateOf(parts).settings.keepRevisions) parts.store.revisions.keep(message);
}
