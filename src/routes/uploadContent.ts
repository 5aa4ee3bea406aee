/** The bytes of a file on their way in: whole, or part by part. They flow into the bucket and are never held. */
import { waitUntil } from "cloudflare:workers";
import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import { fileKey, fileMetadata, isUnknownMultipart } from "../objects/files.ts";
import { tenantStub } from "../objects/stubs.ts";
import type { Tried } from "../objects/tenant/intake.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { PartAnswer, ReadyUpload } from "../protocol/upload.ts";
import { type AppEnv, router } from "./app.ts";
import { clientSecurity, json, ofUpload } from "./declared.ts";
import { completed, putTogether } from "./completion.ts";
import { inflow, type Spoiled, unfitLength } from "./inflow.ts";
import { client } from "./middleware/authenticate.ts";
import { orReady, ownReady, triedUpload, unknownUpload } from "./ownUploads.ts";
import { problem, problems } from "./problem.ts";

const common = { tags: ["files"], security: clientSecurity, middleware: client };
const bytes = {
  required: true,
  content: { "application/octet-stream": { schema: z.string().meta({ format: "binary" }) } },
};
const ready = { 200: json(ReadyUpload, "The file is complete."), ...problems };

const putWhole = createRoute({
  ...common,
  method: "put",
  path: "/v1/uploads/{upload}/content",
  summary: "Put the bytes of an announced file. Cut off or refused, nothing is kept and it may be tried again",
  request: { params: ofUpload, body: bytes },
  responses: ready,
});
const putPart = createRoute({
  ...common,
  method: "put",
  path: "/v1/uploads/{upload}/parts/{part}",
  summary: "Put one part, in any order; again it takes the place of the one that is there",
  request: { params: ofUpload.extend({ part: z.string().regex(/^[1-9][0-9]{0,4}$/, "a part's number") }), body: bytes },
  responses: { 200: json(PartAnswer, "The part is there."), ...problems },
});
const complete = createRoute({
  ...common,
  method: "post",
  path: "/v1/uploads/{upload}/complete",
  summary: "Put the parts together. Again it answers the same",
  request: { params: ofUpload },
  responses: ready,
});

export const uploadContent = router()
  .openapi(putWhole, async (c) => {
    const { upload: id } = c.req.valid("param");
    const found = await triedUpload(c, id);
    if (!found.ok) return problem(c, await orReady(c, id, found));
    const { upload } = found;
    const unfit = upload.parts > 0 ? refuse("conflict", "This upload comes in parts.") : unfitLength(c, upload.size);
    if (unfit !== null) return problem(c, unfit);
    const done = await inFull(async () => (await storeWhole(c, upload)) ?? completed(c, upload));
    return done.ok ? c.json({ state: "ready" as const, file: done.file }, 200) : problem(c, done);
  })
  .openapi(putPart, async (c) => {
    const { upload: id, part: number } = c.req.valid("param");
    const found = await triedUpload(c, id);
    if (!found.ok) return problem(c, await orReady(c, id, found));
    const part = Number(number);
    const size = partSize(found.upload, part);
    if (size === null) return problem(c, refuse("invalid_field", `\`part\`: there are ${found.upload.parts} parts.`));
    const unfit = unfitLength(c, size);
    if (unfit !== null) return problem(c, unfit);
    const refused = await inFull(() => storePart(c, found.upload, part, size));
    return refused === null ? c.json({ part, size }, 200) : problem(c, refused);
  })
  .openapi(complete, async (c) => {
    const { upload: id } = c.req.valid("param");
    const found = await triedUpload(c, id);
    if (!found.ok) {
      const known = found.error === "not_found" ? await ownReady(c, id) : found;
      return known.ok ? c.json({ state: "ready" as const, file: known.file }, 200) : problem(c, known);
    }
    const { upload } = found;
    const missing = missingParts(upload);
    if (missing !== null) return problem(c, missing);
    const done = await inFull(async () => (await putTogether(c, upload)) ?? completed(c, upload));
    return done.ok ? c.json({ state: "ready" as const, file: done.file }, 200) : problem(c, done);
  });

/** To its end, also when the client has gone: what was begun is not left half done. */
function inFull<Done>(work: () => Promise<Done>): Promise<Done> {
  const working = work();
  waitUntil(working.catch(() => undefined));
  return working;
}

/** Null when the bucket has it: what is complete is never changed, so of two that come at once the first whole one is the file. */
async function storeWhole(c: Context<AppEnv>, upload: Tried): Promise<Refusal | null> {
  const { id, size, sha256 } = upload;
  const key = fileKey(c.get("identity").tenant, id);
  const onlyIf = new Headers({ "If-None-Match": "*" });
  const stored = await inflow(c.req.raw.body, { size, sha256 }, (content) =>
    c.env.UPLOADS.put(key, content, { onlyIf, customMetadata: fileMetadata(upload) }),
  );
  return stored.ok ? null : inVain(c, stored);
}

/** What came of it is counted: nothing else would bound it. */
async function inVain(c: Context<AppEnv>, came: Spoiled): Promise<Refusal> {
  if (came.bytes > 0) await tenantStub(c.env, c.get("identity").tenant).noteVain(came.bytes);
  return came.refused;
}

/** Nothing of the parts is a file before they are put together. */
async function storePart(c: Context<AppEnv>, upload: Tried, part: number, size: number): Promise<Refusal | null> {
  const { id, multipart } = upload;
  if (multipart === null) return unknownUpload();
  const { tenant } = c.get("identity");
  const collection = c.env.UPLOADS.resumeMultipartUpload(fileKey(tenant, id), multipart);
  try {
    const came = await inflow(c.req.raw.body, { size, sha256: null }, (content) =>
      collection.uploadPart(part, content),
    );
    if (!came.ok) return await inVain(c, came);
    const added = await tenantStub(c.env, tenant).addPart(id, { part, etag: came.stored.etag });
    return added.ok ? null : unknownUpload();
  } catch (error) {
    // They were put together meanwhile, or given up.
    if (isUnknownMultipart(error)) return unknownUpload();
    throw error;
  }
}

/** Null where there is no such part. */
function partSize({ size, parts }: Tried, part: number): number | null {
  const { uploadPartBytes } = fixedLimits;
  if (part > parts) return null;
  return part < parts ? uploadPartBytes : size - (parts - 1) * uploadPartBytes;
}

/** Null where all are there. */
function missingParts({ parts, received }: Tried): Refusal | null {
  if (parts === 0) return refuse("conflict", "This upload comes whole: put its content.");
  const known = new Set(received.map(({ part }) => part));
  const missing = Array.from({ length: parts }, (_, index) => index + 1).filter((part) => !known.has(part));
  if (missing.length === 0) return null;
  const more = missing.length > 10 ? ` and ${missing.length - 10} more` : "";
  return refuse("conflict", `Parts are missing: ${missing.slice(0, 10).join(", ")}${more}.`);
}
