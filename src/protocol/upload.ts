/** Files: how one is announced, what becomes of it, and how it is told once its bytes are there. */
import * as z from "zod";
import { fixedLimits } from "./limits.ts";
import { tenantLimits } from "./limits/tenant.ts";
import { TimeMs } from "./message.ts";
import { RoomName, UserId } from "./names.ts";

/** By chance, so that nobody guesses another's: it is also the name of the bytes in the bucket. */
export const UploadId = z.string().regex(/^[A-Za-z0-9_-]{21}$/, "an upload's id");
export type UploadId = z.infer<typeof UploadId>;

/**
 * As its owner calls it, slashes and all: it is never part of a path or a key. What would not be seen, or would turn the rest of
 * a line around (`exe.gpj` shown as `jpg.exe`), is refused.
 */
export const FileName = z
  .string()
  .min(1)
  .max(fixedLimits.fileNameLength)
  .regex(
    /^[^\p{Cc}\p{Cs}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+$/u,
    "no control characters, and none that turn the direction of writing",
  );

export const MediaType = z
  .string()
  .max(fixedLimits.mediaTypeLength)
  .regex(/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/, "a media type, without parameters");

/** In lower-case hexadecimal digits. */
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, "64 of 0-9 and a-f");

export const FileSize = z.int().min(1).max(tenantLimits.uploadBytes.ceiling);

/** What is announced. The bytes must then be exactly so many, and have this digest if one is said. */
export const UploadRequest = z.strictObject({
  name: FileName,
  /** What the client takes it for. It is not believed: the bytes say what it is. */
  type: MediaType,
  size: FileSize,
  sha256: Sha256.optional(),
  /** Also where one request could carry it whole: what was cut off goes on with the part that is missing. */
  inParts: z.boolean().optional(),
});
export type UploadRequest = z.infer<typeof UploadRequest>;

/** A file whose bytes are there. `type` is what the bytes were recognised as, else `application/octet-stream`. */
export const StoredFile = z.object({
  id: UploadId,
  room: RoomName,
  /** Who uploaded it; null for the tenant's server. */
  user: UserId.nullable(),
  name: FileName,
  type: MediaType,
  size: FileSize,
  /** Pixels, of an image that says so. */
  width: z.int().optional(),
  height: z.int().optional(),
  /** When its bytes were complete. */
  atMs: TimeMs,
});
export type StoredFile = z.infer<typeof StoredFile>;

/** What nothing is known about, and what nobody is to open without wanting to. */
export const unknownType = "application/octet-stream";

/** Addresses are of this server: whoever asks knows how it is reached. Each call takes a credential, as every other does. */
const Address = z.string().startsWith("/v1/uploads/");

/** Where the bytes go: in one request, or in parts of `partBytes` each but the last, in any order, and then `complete`. */
export const UploadWay = z.union([
  z.object({
    upload: UploadId,
    put: z.object({ url: Address, method: z.literal("PUT"), headers: z.record(z.string(), z.string()) }),
  }),
  z.object({
    upload: UploadId,
    /** `{part}` stands for 1 to `count`. */
    parts: z.object({ url: Address, method: z.literal("PUT"), partBytes: z.int(), count: z.int() }),
    complete: z.object({ url: Address, method: z.literal("POST") }),
  }),
]);
export type UploadWay = z.infer<typeof UploadWay>;

/** A file as it is answered. */
export const FileAnswer = StoredFile.omit({ atMs: true }).extend({ createdAt: TimeMs });
export type FileAnswer = z.infer<typeof FileAnswer>;

export const ReadyUpload = z.object({ state: z.literal("ready"), file: FileAnswer });
export const OpenUpload = z.object({
  state: z.literal("open"),
  room: RoomName,
  name: FileName,
  size: FileSize,
  way: UploadWay,
  /** The parts that are there. */
  received: z.array(z.int()),
  /** What is not complete by then is given up. Each try begins the time anew. */
  expiresAt: TimeMs,
});
/** One that is ready, or what is still to be done. */
export const UploadAnswer = z.union([ReadyUpload, OpenUpload]);
export type UploadAnswer = z.infer<typeof UploadAnswer>;

export const PartAnswer = z.object({ part: z.int(), size: z.int() });
