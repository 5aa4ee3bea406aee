/** Files on their way into the bucket: announced, complete, removed, or given up. */
import pLimit from "p-limit";
import { uploadLevels } from "../../core/uploadQuota.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { LimitLevel } from "../../protocol/serverFrames.ts";
import { limitsOf } from "./limits.ts";
import { type Answer, living, type TenantParts } from "./parts.ts";
import type { NewUpload, OpenUpload, Part } from "./uploads.ts";

/** An upload that is open, with the parts of it that are there. */
export type Tried = OpenUpload & { readonly received: readonly Part[] };

/** Each takes a question to its room and two to the bucket: few enough for one alarm. */
const endedPerStep = 50;

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

/**
 * Null where nothing is open under the id: it is complete, was given up, is another user's, or never was. The time after which
 * it is given up begins anew.
 */
export function attempt({ store, uploads }: TenantParts, id: string, user: string | null, nowMs: number): Tried | null {
  const upload = uploads().find(id);
  if (upload === null || (user !== null && user !== upload.user)) return null;
  store.transaction(() => uploads().touch(id, nowMs));
  return { ...upload, triedAtMs: nowMs, received: uploads().partsOf(id) };
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

/**
 * Ends what nobody has gone on with. Of what the room has, only the answer was lost: it is complete. Safe to run twice. Throws
 * where a room or the bucket does not answer, having done what it could.
 */
export async function giveUp(
  parts: TenantParts,
  heldBy: (room: string, ids: readonly string[]) => Promise<readonly string[]>,
  nowMs: number,
): Promise<void> {
  const abandoned = parts.uploads().abandoned(nowMs, endedPerStep);
  await endEach(abandoned, async (upload) => {
    const [held] = await heldBy(upload.room, [upload.id]);
    if (held === undefined) await end(parts, upload);
    else confirm(parts, upload.id, nowMs);
  });
}

/** For the end of the tenant: false when there was none. Its rooms are gone, and nobody announces or sends anything any more. */
export async function giveUpAll(parts: TenantParts): Promise<boolean> {
  const open = parts.uploads().open(endedPerStep);
  await endEach(open, (upload) => end(parts, upload));
  return open.length > 0;
}

/** For the end of a user, whose sessions are over. */
export async function giveUpOf(parts: TenantParts, user: string): Promise<void> {
  const next = (): OpenUpload[] => parts.uploads().openOf(user, endedPerStep);
  for (let open = next(); open.length > 0; open = next()) await endEach(open, (upload) => end(parts, upload));
}

/** Its bytes first: while its row is there, they are looked for. */
async function end({ store, uploads, discard }: TenantParts, upload: OpenUpload): Promise<void> {
  await discard(upload);
  store.transaction(() => uploads().drop(upload.id));
}

/** Throws when all are tried. */
async function endEach(uploads: readonly OpenUpload[], ending: (upload: OpenUpload) => Promise<void>): Promise<void> {
  const turns = pLimit(fixedLimits.joinsAtOnce);
  const ended = await Promise.allSettled(uploads.map((upload) => turns(() => ending(upload))));
  const failed = ended.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

function unknownUpload(): Refusal {
  return refuse("not_found", "There is no such upload.");
}
