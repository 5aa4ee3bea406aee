/** Whether a tenant may announce another file, and what is left of its quota. */
import { fixedLimits, type Limits } from "../protocol/limits.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import type { LimitLevel } from "../protocol/serverFrames.ts";

interface Open {
  readonly count: number;
  /** When the oldest is given up, if it is not complete sooner; null where none is open. */
  readonly oldestEndsAtMs: number | null;
}

/** How the tenant stands. What is announced counts as if it were there. */
export interface UploadStanding {
  /** Bytes. */
  readonly announcedToday: number;
  /** Bytes of what is there and of what is open. */
  readonly heldBytes: number;
  readonly open: Open;
  /** Null where no user is named. */
  readonly openOfUser: Open | null;
}

const dayMs = 86_400_000;

/** Null when a file of so many bytes may be announced. */
export function overQuota(size: number, standing: UploadStanding, limits: Limits, nowMs: number): Refusal | null {
  const { uploadBytes, uploadBytesPerDay, uploadBytesStored, uploadsOpen, uploadsOpenPerUser } = limits;
  if (size > uploadBytes) return refuse("too_large", `A file may have ${uploadBytes} bytes.`);
  const { open, openOfUser } = standing;
  if (open.count >= uploadsOpen) return tooMany("uploads_open", uploadsOpen, open, nowMs);
  if (openOfUser !== null && openOfUser.count >= uploadsOpenPerUser)
    return tooMany("user_uploads_open", uploadsOpenPerUser, openOfUser, nowMs);
  const room = left(uploadBytesStored, standing.heldBytes);
  if (size > room)
    return refuse("storage_full", `The tenant's files may have ${uploadBytesStored} bytes together: ${room} are left.`);
  const remaining = left(uploadBytesPerDay, standing.announcedToday);
  if (size <= remaining) return null;
  return refuse("quota_exceeded", `At most ${uploadBytesPerDay} bytes of files a day, until midnight UTC.`, {
    retryAfterMs: untilMidnight(nowMs),
    limit: { scope: "upload_day", limit: uploadBytesPerDay, windowMs: dayMs, remaining },
  });
}

/** Null while so many bytes brought in vain on a day are fewer than may be announced on one. */
export function overVain(bytes: number, { uploadBytesPerDay: limit }: Limits, nowMs: number): Refusal | null {
  if (bytes < limit) return null;
  return refuse("quota_exceeded", `${limit} bytes of files were brought in vain today: no more until midnight UTC.`, {
    retryAfterMs: untilMidnight(nowMs),
    limit: { scope: "upload_vain", limit, windowMs: dayMs, remaining: 0 },
  });
}

/** What is left of the day's bytes, of the bucket's, and of the places for open uploads. */
export function uploadLevels(standing: UploadStanding, limits: Limits, nowMs: number): LimitLevel[] {
  const { uploadBytesPerDay, uploadBytesStored, uploadsOpen } = limits;
  const { announcedToday, heldBytes, open } = standing;
  const level = (scope: string, limit: number, used: number, resetMs: number): LimitLevel => ({
    scope,
    limit,
    remaining: left(limit, used),
    resetMs,
  });
  return [
    level("upload_day", uploadBytesPerDay, announcedToday, untilMidnight(nowMs)),
    level("upload_stored", uploadBytesStored, heldBytes, 0),
    level("uploads_open", uploadsOpen, open.count, 0),
  ];
}

/** A limit that was lowered takes nothing away. */
function left(limit: number, used: number): number {
  return Math.max(0, limit - used);
}

function tooMany(scope: string, limit: number, { oldestEndsAtMs }: Open, nowMs: number): Refusal {
  return refuse("quota_exceeded", `At most ${limit} uploads are open at a time.`, {
    retryAfterMs: Math.max(0, (oldestEndsAtMs ?? nowMs) - nowMs),
    limit: { scope, limit, windowMs: fixedLimits.uploadOpenMs, remaining: 0 },
  });
}

/** UTC. */
function untilMidnight(nowMs: number): number {
  return dayMs - (nowMs % dayMs);
}
