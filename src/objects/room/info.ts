/** What a room says of itself: to whoever asks, and to its tenant's directory. */
import type { RoomSettings } from "../../protocol/message.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import type { Answer } from "./calls.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { epochOf, headCursor } from "./position.ts";
import { viewerOf } from "./viewer.ts";

export interface RoomInfo {
  readonly name: string;
  readonly head: number;
  readonly oldest: number;
  readonly epoch: string;
  readonly cursor: string;
  /** How many different users are connected. */
  readonly online: number;
  readonly settings: RoomSettings;
  /** Of the user who asks; null where none is named. */
  readonly unread: number | null;
  readonly mentions: number | null;
  readonly upTo: number | null;
}

/** Where a user stands: how far the user has read, and how many messages of others came since, up to a limit. */
export interface Unread {
  readonly unread: number;
  /** Of those, as far as they mention the user. */
  readonly mentions: number;
  readonly upTo: number;
}

/** Null where no user is named. */
function unreadOf(parts: RoomParts, session: Session, nowMs: number): Unread | null {
  const { user, moderates } = viewerOf(parts, session);
  if (user === null) return null;
  const { store } = parts;
  const upTo = store.members.get(user)?.read_up_to ?? 0;
  const unread = store.unread.count(user, upTo, moderates, nowMs);
  return { unread, mentions: unread === 0 ? 0 : store.unread.countMentions(user, upTo, moderates, nowMs), upTo };
}

/** For whoever asks for just this. */
export function unreadAnswer(parts: RoomParts, session: Session, nowMs: number): Answer<Unread> {
  const unread = unreadOf(parts, session, nowMs);
  return unread === null
    ? refuse("forbidden", "Only a user has unread messages: name one in `Parley-User`.")
    : { ok: true, ...unread };
}

export function infoOf(parts: RoomParts, session: Session, nowMs: number): RoomInfo {
  const { name, store, roster } = parts;
  const { oldest, settings } = stateOf(parts);
  return {
    name,
    head: store.head,
    oldest,
    epoch: epochOf(parts),
    cursor: headCursor(parts),
    online: roster.countOnline(),
    settings,
    ...(unreadOf(parts, session, nowMs) ?? { unread: null, mentions: null, upTo: null }),
  };
}

/**
 * How the room stands, and what is not needed back to the tenant. Safe to run twice. A room that was deleted has still to say
 * what was used in it.
 */
export async function report({ store, roster, account, intake }: RoomParts): Promise<Refusal | null> {
  // What is being imported is not there yet.
  if (store.room === null || intake.state !== null) return null;
  return account.report({
    ...store.usage.tally(),
    members: store.members.count(),
    online: roster.countOnline(),
    lastActivityAtMs: store.ages.newestAtMs(),
    storageBytes: store.sizeBytes,
  });
}
