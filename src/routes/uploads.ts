/** Uploads: how a file is announced, how it stands, and how it is given up. */
import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import { nanoid } from "nanoid";
import { discardFile, fileKey, fileMetadata } from "../objects/files.ts";
import { tenantStub } from "../objects/stubs.ts";
import type { Tried } from "../objects/tenant/intake.ts";
import type { NewUpload } from "../objects/tenant/uploads.ts";
import { fixedLimits } from "../protocol/limits.ts";
import type { Refusal } from "../protocol/refusals.ts";
import { UploadAnswer, UploadRequest, UploadWay } from "../protocol/upload.ts";
import { type AppEnv, router } from "./app.ts";
import { body, clientSecurity, inRoom, json, ofUpload } from "./declared.ts";
import { client } from "./middleware/authenticate.ts";
import { problem, problems, tellLevels } from "./problem.ts";
import { alreadyComplete, openUpload, orReady, readyFile } from "./ownUploads.ts";
import { calling } from "./rooms.ts";

const common = { tags: ["files"], security: clientSecurity, middleware: client };

const announce = createRoute({
  ...common,
  method: "post",
  path: "/v1/rooms/{room}/uploads",
  summary: "Announce a file: its bytes are taken from the quota, and the answer says where to put them",
  request: { params: inRoom, body: body(UploadRequest) },
  responses: { 201: json(UploadWay, "Where the bytes go: whole, or in parts."), ...problems },
});
const get = createRoute({
  ...common,
  method: "get",
  path: "/v1/uploads/{upload}",
  summary: "Read how an upload stands: a file that the caller is shown, or what is still missing of the caller's own",
  request: { params: ofUpload },
  responses: { 200: json(UploadAnswer, "It is ready, or open."), ...problems },
});
const giveUp = createRoute({
  ...common,
  method: "delete",
  path: "/v1/uploads/{upload}",
  summary: "Give up an upload that is not complete: what has come of it is removed, and its bytes are given back",
  request: { params: ofUpload },
  responses: { 204: { description: "Done." }, ...problems },
});

export const uploads = router()
  .openapi(announce, async (c) => {
    const { room: name } = c.req.valid("param");
    const { room, caller } = calling(c, name);
    const allowed = await room.mayUpload(caller);
    if (!allowed.ok) return problem(c, allowed);
    const upload = uploadOf(c.req.valid("json"), name, caller.session.user);
    const reserved = await tenantStub(c.env, c.get("identity").tenant).reserveUpload(upload);
    if (!reserved.ok) return problem(c, reserved);
    const refused = upload.parts === 0 ? null : await beginParts(c, upload);
    if (refused !== null) return problem(c, refused);
    tellLevels(c, reserved.levels);
    return c.json(wayOf(upload), 201);
  })
  .openapi(get, async (c) => {
    const { upload: id } = c.req.valid("param");
    const ready = await readyFile(c, id);
    if (ready.ok) return c.json({ state: "ready" as const, file: ready.file }, 200);
    const found = await openUpload(c, id);
    return found.ok ? c.json(standingOf(found.upload), 200) : problem(c, ready);
  })
  .openapi(giveUp, async (c) => {
    const { upload: id } = c.req.valid("param");
    const found = await openUpload(c, id);
    if (!found.ok) return problem(c, await orReady(c, id, found));
    const standing = await tenantStub(c.env, c.get("identity").tenant).giveUpUpload(id, found.upload.room);
    return standing === "complete" ? problem(c, alreadyComplete) : c.body(null, 204);
  });

function uploadOf({ name, size, sha256, inParts }: UploadRequest, room: string, user: string | null): NewUpload {
  const { uploadWholeBytes, uploadPartBytes } = fixedLimits;
  const isParted = size > uploadWholeBytes || inParts === true;
  const parts = isParted ? Math.ceil(size / uploadPartBytes) : 0;
  return { id: nanoid(), room, user, name, size, sha256: sha256 ?? null, parts };
}

/** The client has not heard of the upload yet: nothing of it can be lost. */
async function beginParts(c: Context<AppEnv>, upload: NewUpload): Promise<Refusal | null> {
  const { tenant } = c.get("identity");
  const key = fileKey(tenant, upload.id);
  const { uploadId } = await c.env.UPLOADS.createMultipartUpload(key, { customMetadata: fileMetadata(upload) });
  const begun = await tenantStub(c.env, tenant).beginParts(upload.id, uploadId);
  if (begun.ok) return null;
  await discardFile(c.env.UPLOADS, key, uploadId);
  return begun;
}

function standingOf(upload: Tried): UploadAnswer {
  const { room, name, size, received, triedAtMs } = upload;
  return {
    state: "open",
    room,
    name,
    size,
    way: wayOf(upload),
    received: received.map(({ part }) => part),
    expiresAt: triedAtMs + fixedLimits.uploadOpenMs,
  };
}

function wayOf({ id, parts }: NewUpload): UploadWay {
  const url = `/v1/uploads/${id}`;
  const method = "PUT";
  if (parts === 0)
    return {
      upload: id,
      put: { url: `${url}/content`, method, headers: { "Content-Type": "application/octet-stream" } },
    };
  return {
    upload: id,
    parts: { url: `${url}/parts/{part}`, method, partBytes: fixedLimits.uploadPartBytes, count: parts },
    complete: { url: `${url}/complete`, method: "POST" },
  };
}
