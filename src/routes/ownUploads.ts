/** Which upload a request is about: the caller's own that is open, or a file that the caller is shown. */
import type { Context } from "hono";
import { type Identity, sessionIn } from "../auth/identity.ts";
import { fileKey } from "../objects/files.ts";
import { roomStub, tenantStub } from "../objects/stubs.ts";
import type { Tried } from "../objects/tenant/intake.ts";
import { RoomName } from "../protocol/names.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import type { FileAnswer, StoredFile } from "../protocol/upload.ts";
import type { AppEnv } from "./app.ts";
import { callerOf } from "./identity.ts";

/** One answer for what never was, what is another's, and what has gone: nobody learns which. */
export function unknownUpload(): Refusal {
  return refuse("not_found", "There is no such upload.");
}

/** Of whoever announced it; of the tenant's server all. */
export async function openUpload(
  c: Context<AppEnv>,
  id: string,
): Promise<{ readonly ok: true; readonly upload: Tried } | Refusal> {
  const identity = c.get("identity");
  if (!uploadsAnywhere(identity)) return mayNot;
  const upload = await tenantStub(c.env, identity.tenant).openUpload(id, identity.user);
  if (upload === null) return unknownUpload();
  const { capabilities } = sessionIn(upload.room, identity, c.get("requestId"));
  return capabilities.includes("upload") ? { ok: true, upload } : mayNot;
}

/** For whoever goes on with it. */
export async function triedUpload(c: Context<AppEnv>, id: string): ReturnType<typeof openUpload> {
  const found = await openUpload(c, id);
  if (!found.ok) return found;
  const tried = await tenantStub(c.env, c.get("identity").tenant).tryUpload(id);
  return tried.ok ? found : tried;
}

const mayNot = refuse("forbidden", "This needs the capability `upload`.");

/** Whoever does nowhere is told so before anything is looked for. */
function uploadsAnywhere({ capabilities, token }: Identity): boolean {
  const isGranted = token === null || Object.values(token.rooms).some((granted) => granted.includes("upload"));
  return isGranted && capabilities.includes("upload");
}

export type Completed = { readonly ok: true; readonly file: FileAnswer };

/** What the bucket knows of a file: where to ask for it. */
export type Found = { readonly ok: true; readonly file: FileAnswer; readonly bytes: R2Object };

/** A file that is complete, as its room shows it to the caller now. */
export async function readyFile(c: Context<AppEnv>, id: string): Promise<Found | Refusal> {
  const identity = c.get("identity");
  const bytes = await c.env.UPLOADS.head(fileKey(identity.tenant, id));
  const room = RoomName.safeParse(bytes?.customMetadata?.["room"]);
  if (bytes === null || !room.success) return unknownUpload();
  const stub = roomStub(c.env, identity.tenant, room.data);
  const found = await stub.file(callerOf(identity, room.data, c.get("requestId")), id);
  return found.ok ? { ok: true, file: answerOf({ ...found.file, room: room.data }), bytes } : found;
}

export const alreadyComplete = refuse("conflict", "This upload is complete.");

/** Where nothing is open any more because all is there, that is what is said. */
export async function orReady(c: Context<AppEnv>, id: string, refused: Refusal): Promise<Refusal> {
  if (refused.error !== "not_found") return refused;
  const known = await ownReady(c, id);
  return known.ok ? alreadyComplete : refused;
}

/** What others are shown is theirs to read, not to complete. */
export async function ownReady(c: Context<AppEnv>, id: string): Promise<Completed | Refusal> {
  const known = await readyFile(c, id);
  const { user } = c.get("identity");
  return known.ok && (user === null || known.file.user === user) ? known : unknownUpload();
}

export function answerOf({ id, room, user, name, type, size, width, height, atMs }: StoredFile): FileAnswer {
  const extent = width === undefined || height === undefined ? {} : { width, height };
  return { id, room, user, name, type, size, ...extent, createdAt: atMs };
}
