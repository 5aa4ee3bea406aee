/** Files on their way into the bucket: announced, complete, removed, or given up. */
import pLimit from "p-limit";
import { uploadLevels } from "../../core/uploadQuota.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { LimitLevel } from "../../protocol/serverFrames.ts";
import type { Ending } from "./endings.ts";
import { limitsOf } from "./limits.ts";
import { type Answer, living, tenantOf, type TenantParts } from "./parts.ts";
import type { NewUpload, OpenUpload, Part } from "./uploads.ts";

/** An upload that is open, with the parts of it that are there. */
export type Tried = OpenUpload & { readonly received: readonly Part[] };

/** Each takes a question to its room and two to the bucket: few enough for one alarm. */
const endedPerStep = 50;
/** When what could not be ended now is tried again. */
const againAfterMs = 30_000;

/** Takes the bytes from the quota. */
export function reserve(
  parts: TenantParts,
  asked: NewUpload,
  nowMs: number,
): Answer<{ readonly levels: LimitLevel[] }> {
  const found = living(parts);
  if (!found.ok) return found;
  if (found.tenant.suspended) return refuse("tenant_suspended");
  const limits = limitsOf(found.tenant);
  const uploads = parts.uploads();
  const refused = parts.store.transaction(() => uploads.reserve(asked, limits, nowMs));
  return refused ?? { ok: true, levels: uploadLevels(uploads.standing(asked.user, nowMs), limits, nowMs) };
}

/** Null where nothing is open under the id: it is complete, was given up, is another user's, or never was. */
export function openUpload({ uploads }: TenantParts, id: string, user: string | null): Tried | null {
  const upload = uploads().find(id);
  if (upload === null || (user !== null && user !== upload.user)) return null;
  return { ...upload, received: uploads().partsOf(id) };
}

/** Somebody who may goes on with it: the time after which it is given up begins anew. */
export function attempt(parts: TenantParts, id: string, nowMs: number): Answer<object> {
  const { vain, uploads } = parts;
  const refused = vain.refusal(limitsOf(tenantOf(parts)), nowMs);
  return refused ?? whileOpen(parts, id, () => uploads().touch(id, nowMs));
}

/** What is decided about an upload stays so: what is complete is so until its bytes are released, what is over for ever. */
export function standingOf({ uploads }: TenantParts, id: string): "open" | "complete" | "over" {
  if (uploads().find(id) !== null) return "open";
  return uploads().isStored(id) ? "complete" : "over";
}

/** Changes an upload that is still open. */
export function whileOpen({ store, uploads }: TenantParts, id: string, change: () => void): Answer<object> {
  return store.transaction(() => {
    if (uploads().find(id) === null) return unknownUpload();
    change();
    return { ok: true };
  });
}

/** The bytes are there, and the room knows it. Safe to run twice. */
export function confirm({ store, uploads, usage }: TenantParts, id: string, nowMs: number): Answer<object> {
  return store.transaction(() => {
    const size = uploads().confirm(id);
    if (size === null) return uploads().isStored(id) ? { ok: true } : unknownUpload();
    usage().recordFiles({ uploads: 1, uploadedBytes: size, fileBytes: size }, nowMs);
    return { ok: true };
  });
}

/** The bytes are gone from the bucket. Safe to run twice. */
export function release({ store, uploads, usage }: TenantParts, ids: readonly string[], nowMs: number): void {
  store.transaction(() => {
    const bytes = uploads().release(ids);
    usage().recordFiles({ uploads: 0, uploadedBytes: 0, fileBytes: -bytes }, nowMs);
  });
}

/** Which of these its room has, as complete ones. */
type HeldBy = (room: string, ids: readonly string[]) => Promise<readonly string[]>;

/**
 * Ends an upload, unless it is complete, or somebody has gone on with it since `triedAtMs`. Of what the room has, only the
 * answer was lost: it is complete. In one step it is nobody's any more; then what has come of it goes, and should that fail,
 * the alarm does it.
 */
export async function giveUp(
  parts: TenantParts,
  upload: Pick<OpenUpload, "id" | "room"> & { readonly triedAtMs?: number },
  heldBy: HeldBy,
  nowMs: number,
): Promise<"open" | "complete" | "over"> {
  const { id, room, triedAtMs } = upload;
  if ((await heldBy(room, [id])).length > 0) confirm(parts, id, nowMs);
  const found = parts.uploads().find(id);
  if (found === null || (triedAtMs !== undefined && triedAtMs !== found.triedAtMs)) return standingOf(parts, id);
  await clear(parts, end(parts, found, nowMs), nowMs).catch(() => undefined);
  return "over";
}

/** Ends what nobody has gone on with for a day. Safe to run twice. Throws where a room does not answer, having done what it could. */
export async function giveUpAbandoned(parts: TenantParts, heldBy: HeldBy, nowMs: number): Promise<void> {
  const { store, uploads } = parts;
  const abandoned = uploads().abandoned(nowMs, endedPerStep);
  await eachOf(abandoned, async (upload) => {
    try {
      await giveUp(parts, upload, heldBy, nowMs);
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

function unknownUpload(): Refusal {
  return refuse("not_found", "There is no such upload.");
}
