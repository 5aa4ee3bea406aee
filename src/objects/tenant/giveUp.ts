/** Uploads that come to nothing: of somebody who gives up, of nobody any more, of a user or a tenant at its end. */
import pLimit from "p-limit";
import { fixedLimits } from "../../protocol/limits.ts";
import type { Ending } from "./endings.ts";
import { bookGivingUp, confirm, type Standing, standingOf } from "./intake.ts";
import type { TenantParts } from "./parts.ts";
import type { OpenUpload } from "./uploads.ts";

/** Each takes a question to its room and two to the bucket: few enough for one alarm. */
const endedPerStep = 50;
/** When what could not be ended now is tried again. */
const againAfterMs = 30_000;

/** Ends an upload that is not complete, and answers how it stands then. Safe to ask again. Throws where its room does not answer. */
export async function giveUp(
  parts: TenantParts,
  upload: Pick<OpenUpload, "id" | "room">,
  nowMs: number,
): Promise<Standing> {
  const standing = await settle(parts, upload, nowMs);
  bookGivingUp(parts);
  return standing;
}

/**
 * Ends an upload, unless it is complete, or somebody has gone on with it since `triedAtMs`. Of what the room has, only the
 * answer was lost: it is complete. In one step it is nobody's any more; then what has come of it goes, and should that fail,
 * the alarm does it.
 */
async function settle(
  parts: TenantParts,
  upload: Pick<OpenUpload, "id" | "room"> & { readonly triedAtMs?: number },
  nowMs: number,
): Promise<Standing> {
  const { id, room, triedAtMs } = upload;
  if ((await parts.heldBy(room, [id])).length > 0) confirm(parts, id, nowMs);
  const found = parts.uploads().find(id);
  if (found === null || (triedAtMs !== undefined && triedAtMs !== found.triedAtMs)) return standingOf(parts, id);
  await clear(parts, end(parts, found, nowMs), nowMs).catch(() => undefined);
  return "over";
}

/** Ends what nobody has gone on with for a day. Safe to run twice. Throws where a room does not answer, having done what it could. */
export async function giveUpAbandoned(parts: TenantParts, nowMs: number): Promise<void> {
  const { store, uploads } = parts;
  const abandoned = uploads().abandoned(nowMs, endedPerStep);
  await eachOf(abandoned, async (upload) => {
    try {
      await settle(parts, upload, nowMs);
    } catch (error) {
      store.transaction(() => uploads().postpone(upload, nowMs + againAfterMs));
      throw error;
    }
  });
}

/** For the end of the tenant: false when there was none. Its rooms are gone, and nobody announces or sends anything any more. */
export async function giveUpAll(parts: TenantParts, nowMs: number): Promise<boolean> {
  for (const upload of parts.uploads().open(endedPerStep)) end(parts, upload, nowMs);
  const ended = parts.endings.begun(endedPerStep);
  await eachOf(ended, (ending) => clear(parts, ending, nowMs));
  return ended.length > 0;
}

/** For the end of a user, whose sessions are over. */
export async function giveUpOf(parts: TenantParts, user: string, nowMs: number): Promise<void> {
  const next = (): OpenUpload[] => parts.uploads().openOf(user, endedPerStep);
  for (let open = next(); open.length > 0; open = next())
    await eachOf(open, (upload) => clear(parts, end(parts, upload, nowMs), nowMs));
}

/** Removes what has come of those that were given up: when that failed, and once more when nothing can come any more. */
export async function clearEnded(parts: TenantParts, nowMs: number): Promise<void> {
  await eachOf(parts.endings.due(nowMs, endedPerStep), (ending) => clear(parts, ending, nowMs));
}

/** From now on nobody finds it, and nothing that comes makes it a file. */
function end({ store, uploads, endings }: TenantParts, upload: OpenUpload, nowMs: number): Ending {
  return store.transaction(() => {
    uploads().drop(upload.id);
    return endings.add(upload, nowMs);
  });
}

/** Safe to run twice. */
async function clear({ store, endings, discard, disclaim }: TenantParts, ending: Ending, nowMs: number): Promise<void> {
  store.transaction(() => endings.postpone(ending.id, nowMs + againAfterMs));
  // Nobody is left who could take it back from the room, should he have been cut off when he had given it.
  if (nowMs >= ending.untilMs) await disclaim(ending);
  await discard(ending);
  store.transaction(() => endings.cleared(ending, nowMs));
}

/** Throws when all are tried. */
async function eachOf<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  const turns = pLimit(fixedLimits.joinsAtOnce);
  const done = await Promise.allSettled(items.map((item) => turns(() => work(item))));
  const failed = done.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
