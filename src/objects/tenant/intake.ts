/** Files on their way into the bucket: announced, complete, removed. What is given up: giveUp.ts. */
import { uploadLevels } from "../../core/uploadQuota.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { LimitLevel } from "../../protocol/serverFrames.ts";
import { limitsOf } from "./limits.ts";
import { type Answer, living, tenantOf, type TenantParts } from "./parts.ts";
import type { NewUpload, OpenUpload, Part } from "./uploads.ts";

/** An upload that is open, with the parts of it that are there. */
export type Tried = OpenUpload & { readonly received: readonly Part[] };

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
  if (refused !== null) return refused;
  bookGivingUp(parts);
  return { ok: true, levels: uploadLevels(uploads.standing(asked.user, nowMs), limits, nowMs) };
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

/** What is neither open nor complete is over for ever. */
export type Standing = "open" | "complete" | "over";

/** What is decided about an upload stays so: what is complete is so until its bytes are released, what is over for ever. */
export function standingOf({ uploads }: TenantParts, id: string): Standing {
  if (uploads().find(id) !== null) return "open";
  return uploads().isStored(id) ? "complete" : "over";
}

/** Its parts are collected under this name. */
export function beginParts(parts: TenantParts, id: string, multipart: string): Answer<object> {
  return whileOpen(parts, id, () => parts.uploads().begin(id, multipart));
}

export function addPart(parts: TenantParts, id: string, part: Part): Answer<object> {
  return whileOpen(parts, id, () => parts.uploads().addPart(id, part));
}

/** Changes an upload that is still open. */
function whileOpen({ store, uploads }: TenantParts, id: string, change: () => void): Answer<object> {
  return store.transaction(() => {
    if (uploads().find(id) === null) return unknownUpload();
    change();
    return { ok: true };
  });
}

/** The bytes are there, and the room knows it. Safe to run twice. */
export function confirm({ store, uploads, usage, book }: TenantParts, id: string, nowMs: number): Answer<object> {
  const confirmed = store.transaction((): Answer<object> => {
    const size = uploads().confirm(id);
    if (size === null) return uploads().isStored(id) ? { ok: true } : unknownUpload();
    usage().recordFiles({ uploads: 1, uploadedBytes: size, fileBytes: size }, nowMs);
    return { ok: true };
  });
  book("usage", usage().dueMs);
  return confirmed;
}

/** The bytes are gone from the bucket. Safe to run twice. */
export function release({ store, uploads, usage, book }: TenantParts, ids: readonly string[], nowMs: number): void {
  store.transaction(() => {
    const bytes = uploads().release(ids);
    usage().recordFiles({ uploads: 0, uploadedBytes: 0, fileBytes: -bytes }, nowMs);
  });
  book("usage", usage().dueMs);
}

/** When the next one is ended, or what has come of it is removed. The tenant may have gone meanwhile. */
export function bookGivingUp({ store, uploads, endings, book }: TenantParts): void {
  if (store.tenant === null) return;
  book("uploads", uploads().dueMs);
  book("uploads", endings.dueMs);
}

function unknownUpload(): Refusal {
  return refuse("not_found", "There is no such upload.");
}
