/** Whether the room exists: how it comes to be, and how it ends. The only decisions of a room with an `await` in them. */
import { nanoid } from "nanoid";
import { may, needs } from "../../core/rights.ts";
import { unwelcome } from "../../core/welcome.ts";
import { type Actor, actorOfSession } from "../../protocol/actor.ts";
import type { Capability } from "../../protocol/capabilities.ts";
import { defaultRoomSettings } from "../../protocol/message.ts";
import type { Terms } from "../../protocol/policy.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import { barred } from "./admittance.ts";
import { importing } from "./intake.ts";
import type { RoomParts } from "./parts.ts";
import { askAbout, isAsked } from "./revoked.ts";
import { lacks } from "./standing.ts";

/** Who calls, as the edge has verified it, and what the tenant has decided. */
export interface Caller {
  readonly session: Session;
  readonly policy: Terms;
}

/** A refusal, or null when the room exists and neither its tenant nor its moderators have anything against the caller. */
export function open(parts: RoomParts, { session }: Pick<Caller, "session">): Refusal | null {
  const { store } = parts;
  // Who has no right at all here must not learn whether there is a room.
  if (session.capabilities.length === 0) return refuse("forbidden", "The credential grants nothing in this room.");
  const gone = absent(store);
  if (gone !== null || store.room === null) return gone;
  if (parts.intake.state !== null) return importing();
  const nowMs = Date.now();
  return unwelcome(session, store.room.policy, nowMs) ?? barred(parts, session, nowMs);
}

/** Null for a room that there is. */
export function absent({ room }: Pick<RoomParts["store"], "room">): Refusal | null {
  if (room === null) return refuse("not_found", "There is no such room.");
  return room.deletedAtMs === null ? null : refuse("room_deleted");
}

/** Asks for what the tenant has decided, where the caller has heard of more than the room, or the room was not told all. */
export async function renew(parts: RoomParts, { session, policy }: Caller): Promise<Refusal | null> {
  const { store, account } = parts;
  if (store.room === null || store.room.deletedAtMs !== null) return null;
  const isBehind = (): boolean => policy.version > (store.room?.policy.version ?? Infinity);
  let failed = await (isBehind() ? account.renew() : account.recall());
  // What somebody else had asked before may be older than what this caller has heard of.
  if (failed === null && isBehind()) failed = await account.renew();
  return failed ?? (isAsked(parts, Date.now()) ? askAbout(parts, session) : null);
}

/** Whether `openOrMake` would let the caller in to read; it makes nothing. */
export function welcomes(parts: RoomParts, caller: Caller): Refusal | null {
  const { session } = caller;
  if (makes(parts, caller)) return needs(session, null, "read");
  return open(parts, caller) ?? lacks(parts, session, "read");
}

/**
 * Like `open`, but the room of one who may publish comes to be, where the tenant allows it; not for what is then refused for lack
 * of the right that it takes.
 */
export async function openOrMake(
  parts: RoomParts,
  caller: Caller,
  taking: Capability | null = null,
): Promise<Refusal | null> {
  if (!makes(parts, caller)) return open(parts, caller);
  const lacking = taking === null ? null : needs(caller.session, null, taking);
  if (lacking !== null) return lacking;
  const made = await make(parts, null);
  return made.ok ? open(parts, caller) : made;
}

function makes({ store }: RoomParts, { session, policy }: Caller): boolean {
  return store.room === null && policy.autoCreate && may(session, null, "publish");
}

/** Makes the room, also one that was deleted: `created` says whether it was this call that did. */
export async function create(
  parts: RoomParts,
  { session }: Caller,
): Promise<{ readonly ok: true; readonly created: boolean } | Refusal> {
  if (isThere(parts)) return { ok: true, created: false };
  return needs(session, null, "manage") ?? make(parts, actorOfSession(session));
}

/** Ends the room: its history is removed, its sockets are told, and its name answers 410. */
export async function end(parts: RoomParts, caller: Caller, flush: () => void): Promise<Refusal | null> {
  const refused = open(parts, caller) ?? lacks(parts, caller.session, "manage");
  if (refused !== null) return refused;
  await parts.registry.forgetRoom(parts.name);
  // Another caller may have ended it while this one waited.
  if (!isThere(parts)) return refuse("room_deleted");
  flush();
  // What still waits for a credit was never stored, and must not be stored in the next room of this name.
  parts.queue.refuseHeld(() => refuse("room_deleted"));
  const nowMs = Date.now();
  parts.store.transaction(() => {
    tellEnd(parts, actorOfSession(caller.session), nowMs);
    parts.store.deleteRoom(nowMs);
    parts.bans.forget();
    parts.files.removeAll(nowMs);
    parts.announced.forget();
    parts.questions.forget();
    parts.exceeded.forget();
    parts.streaming.forget();
    parts.deeds.add(actorOfSession(caller.session), "room.deleted", {}, nowMs);
  });
  parts.roster.closeAll("room_deleted");
  parts.account.forget();
  return null;
}

/** The end of the tenant: everything of the room goes, as if it had never been. Safe to run twice. */
export async function dissolve(parts: RoomParts, flush: () => void): Promise<void> {
  parts.queue.refuseHeld(() => refuse("tenant_suspended"));
  flush();
  parts.roster.closeAll("tenant_suspended");
  parts.presence.forget();
  parts.streaming.forget();
  await parts.store.erase();
}

/**
 * Registers with the tenant before the first write, so that an erasure finds every room. `maker` wants just this room, also
 * where one of its name was deleted; one that comes to be by being used has none, and is no deed.
 */
export async function make(
  parts: RoomParts,
  maker: Actor | null,
): Promise<{ readonly ok: true; readonly created: boolean } | Refusal> {
  if (isThere(parts)) return { ok: true, created: false };
  const registered = await parts.registry.registerRoom(parts.name, maker !== null);
  if (!registered.ok) return registered;
  // The tenant may have ended since it answered.
  if (parts.store.isErased) return refuse("not_found", "There is no such room.");
  // Another caller may have made it, or made it and deleted it again, while this one waited.
  if (isThere(parts)) return { ok: true, created: false };
  if (parts.store.room !== null && maker === null) return refuse("room_deleted");
  const { policy } = registered;
  const nowMs = Date.now();
  parts.store.transaction(() => {
    parts.store.create({ epoch: nanoid(), settings: defaultRoomSettings, policy }, nowMs);
    if (maker !== null) parts.deeds.add(maker, "room.created", { after: { settings: defaultRoomSettings } }, nowMs);
    parts.outbox.add("room.created", { settings: defaultRoomSettings, by: maker }, nowMs);
  });
  parts.indexer.notice(nowMs);
  return { ok: true, created: true };
}

/** What had changed here cannot be told any more; that nobody is here, can. */
function tellEnd({ outbox, announced }: RoomParts, by: Actor, nowMs: number): void {
  outbox.forgetChanges();
  const here = announced.all();
  for (const { user } of here) outbox.add("presence.left", { user }, nowMs);
  if (here.length > 0) outbox.add("room.vacated", {}, nowMs);
  outbox.add("room.deleted", { by }, nowMs);
}

function isThere({ store }: RoomParts): boolean {
  return store.room !== null && store.room.deletedAtMs === null;
}
