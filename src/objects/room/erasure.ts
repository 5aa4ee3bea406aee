/** The end of a user in a room: what he said and did, what was decided of him, and that he was here. */
import type { ErasedMessages } from "../../protocol/erasure.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import { ErasureMarks } from "./erasureMarks.ts";
import { importing } from "./intake.ts";
import type { RoomParts } from "./parts.ts";
import type { Entry } from "./queue.ts";
import { eraseBeside, erasure } from "./removal.ts";

export type Erased = { readonly ok: true } | Refusal;

/**
 * Pass by pass, and again after whatever cut it off. Refused where something of the user is still on its way: whoever asked comes
 * again. `work` stores one pass.
 */
export async function eraseUser(
  parts: RoomParts,
  user: string,
  messages: ErasedMessages,
  work: (make: (parts: RoomParts) => Entry) => Promise<"more" | "done">,
): Promise<Erased> {
  const { store, intake, deeds } = parts;
  if (store.room === null) return { ok: true };
  if (intake.state !== null) return importing();
  const marks = new ErasureMarks();
  for (let passes = 1; (await work((given) => erasure(given, user, messages, marks))) === "more"; passes++)
    if (passes >= fixedLimits.erasurePasses) return refuse("overloaded", "There is more of the user in the room.");
  // There was no pass, and what was to be told of its end may wait still.
  if (store.room.deletedAtMs !== null) store.transaction(() => eraseBeside(parts, user));
  forgetDecisions(parts, user);
  // Until the tenant has heard of them they name him here.
  await deeds.tell();
  if (messages === "erase" && !parts.indexer.isRidOf(user, Date.now()))
    return refuse("overloaded", "The index of the room is still being rid of what the user said.");
  const isLeaving = store.leavers.all().some((leaver) => leaver.user === user);
  return isLeaving ? refuse("overloaded", "The user is still leaving the room.") : { ok: true };
}

/** What the tenant has decided of a user, as it lies in the room's row. To be called when it is over, or every edge goes by it. */
export function forgetDecisions({ store }: Pick<RoomParts, "store">, user: string): void {
  const { room } = store;
  if (room === null) return;
  const { revocations, bans } = room.policy;
  const ofOthers = <One extends { readonly user: string | null }>(all: readonly One[]): One[] =>
    all.filter((one) => one.user !== user);
  store.rewritePolicy({ ...room.policy, revocations: ofOthers(revocations), bans: ofOthers(bans) });
}
