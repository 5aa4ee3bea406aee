/** The last steps of an upload: its bytes are in the bucket, and become a file of its room. */
import type { Context } from "hono";
import { discardFile, fileKey, isUnknownMultipart } from "../objects/files.ts";
import { roomStub, tenantStub } from "../objects/stubs.ts";
import type { Tried } from "../objects/tenant/intake.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refusals, refuse } from "../protocol/refusals.ts";
import type { AppEnv } from "./app.ts";
import { fileKindOf } from "./fileKind.ts";
import { callerOf } from "./identity.ts";
import { hexOf, otherDigest } from "./inflow.ts";
import { answerOf, type Completed, ownReady, unknownUpload } from "./ownUploads.ts";

/**
 * The room takes the file in, and then its bytes count as stored. In this order and safe to run again: what is lost between is
 * found by the next try, or by the tenant a day later. What the room refuses for good leaves nothing.
 */
export async function completed(c: Context<AppEnv>, upload: Tried): Promise<Completed | Refusal> {
  const identity = c.get("identity");
  const { tenant } = identity;
  const { id, room, user, name, size } = upload;
  const kind = await fileKindOf(await headOf(c, fileKey(tenant, id)));
  const registry = tenantStub(c.env, tenant);
  const standing = await registry.uploadStanding(id);
  if (standing === "complete") return ownReady(c, id);
  if (standing === "over") {
    await discard(c, upload);
    return unknownUpload();
  }
  const stub = roomStub(c.env, tenant, room);
  const file = { id, room, user, name, size, ...kind, atMs: Date.now() };
  const kept = await stub.fileReady(callerOf(identity, room, c.get("requestId")), file);
  if (!kept.ok) {
    // Where it may come again, all of it is still there.
    if (refusals[kept.error].retry === "no") await registry.giveUpUpload(id, room);
    return kept;
  }
  if ((await registry.confirmUpload(id)).ok) return { ok: true, file: answerOf({ ...kept.file, room }) };
  // It was given up meanwhile. The room, which has it, takes its bytes away.
  await stub.dropFile(id);
  return unknownUpload();
}

/** Null when there is one file of all parts, with the digest that was announced. */
export async function putTogether(c: Context<AppEnv>, upload: Tried): Promise<Refusal | null> {
  const { id, multipart, received, sha256 } = upload;
  if (multipart === null) return unknownUpload();
  const key = fileKey(c.get("identity").tenant, id);
  try {
    const parts = received.map(({ part: partNumber, etag }) => ({ partNumber, etag }));
    await c.env.UPLOADS.resumeMultipartUpload(key, multipart).complete(parts);
  } catch (error) {
    const refused = await apart(c, key, error);
    if (refused !== null) return refused;
  }
  if (sha256 === null || (await digestOf(c, key)) === sha256) return null;
  // The parts are used up: there is nothing to go on with.
  await tenantStub(c.env, c.get("identity").tenant).giveUpUpload(upload.id, upload.room);
  return otherDigest();
}

/** Null where an earlier try has put them together and its answer was lost. */
async function apart(c: Context<AppEnv>, key: string, error: unknown): Promise<Refusal | null> {
  if ((await c.env.UPLOADS.head(key)) !== null) return null;
  if (isUnknownMultipart(error)) return unknownUpload();
  if (!isOtherPart(error)) throw error;
  return refuse("conflict", "The same part came twice at once: put it once more.");
}

/** The bucket says it with a number. */
function isOtherPart(error: unknown): boolean {
  return error instanceof Error && error.message.includes("(10025)");
}

/** The first bytes. */
async function headOf(c: Context<AppEnv>, key: string): Promise<Uint8Array> {
  const found = await c.env.UPLOADS.get(key, { range: { offset: 0, length: fixedLimits.fileHeadBytes } });
  return found === null ? new Uint8Array() : found.bytes();
}

/** Of the whole: read back, because the parts came to different Workers, and none of them saw all. */
async function digestOf(c: Context<AppEnv>, key: string): Promise<string | null> {
  const found = await c.env.UPLOADS.get(key);
  if (found === null) return null;
  const digest = new crypto.DigestStream("SHA-256");
  await found.body.pipeTo(digest);
  return hexOf(await digest.digest);
}

function discard(c: Context<AppEnv>, { id, multipart }: Tried): Promise<void> {
  return discardFile(c.env.UPLOADS, fileKey(c.get("identity").tenant, id), multipart);
}
