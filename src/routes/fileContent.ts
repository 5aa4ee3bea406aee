/** The bytes of a file, for whoever is shown it now. */
import { createRoute } from "@hono/zod-openapi";
import { create as contentDisposition } from "content-disposition";
import type { Context } from "hono";
import * as z from "zod";
import { fileKey } from "../objects/files.ts";
import { refuse } from "../protocol/refusals.ts";
import { type AppEnv, router } from "./app.ts";
import { clientSecurity, ofUpload } from "./declared.ts";
import { isShown } from "./fileKind.ts";
import { client } from "./middleware/authenticate.ts";
import { type Found, readyFile, unknownUpload } from "./ownUploads.ts";
import { described, problem, problems } from "./problem.ts";
import { type Range, wanted } from "./range.ts";
import { slicesOf } from "./slices.ts";

const bytes = { "application/octet-stream": { schema: z.string().meta({ format: "binary" }) } };

const read = createRoute({
  tags: ["files"],
  security: clientSecurity,
  middleware: client,
  method: "get",
  path: "/v1/uploads/{upload}/content",
  summary: "Read a file, or with `Range` a part of it; HEAD answers the headers alone",
  request: { params: ofUpload },
  responses: {
    200: { description: "The file, as the type that its bytes were recognised as.", content: bytes },
    206: { description: "The part.", content: bytes },
    304: { description: "It is what `If-None-Match` names." },
    ...problems,
    416: described("The file has no such bytes."),
  },
});

export const fileContent = router().openapi(read, async (c) => {
  const found = await readyFile(c, c.req.valid("param").upload);
  if (!found.ok) return problem(c, found);
  const { size, httpEtag: etag } = found.bytes;
  // Of HEAD, which asks for no bytes, no range is meant.
  const isHead = c.req.method === "HEAD";
  const asked = wanted({ headers: isHead ? withoutRange(c) : c.req.raw.headers, etag, size });
  if (asked === "unchanged") return c.body(null, 304, headersOf(found));
  if (asked === "none") {
    c.header("Content-Range", `bytes */${size}`);
    return problem(c, refuse("range_not_satisfiable", `The file has ${size} bytes.`));
  }
  if (isHead) return c.body(null, 200, { ...headersOf(found), "Content-Length": String(size) });
  return (await contentOf(c, found, asked)) ?? problem(c, unknownUpload());
});

/** Null where it has gone meanwhile. */
async function contentOf(c: Context<AppEnv>, found: Found, range: Range | null): Promise<Response | null> {
  const key = fileKey(c.get("identity").tenant, found.file.id);
  const { size, httpEtag } = found.bytes;
  const { offset, length } = range ?? { offset: 0, length: size };
  const { UPLOADS } = c.env;
  const content = cameInParts(httpEtag)
    ? await slicesOf(UPLOADS, key, { offset, length })
    : ((await UPLOADS.get(key, { range: { offset, length } }))?.body ?? null);
  if (content === null) return null;
  const headers = headersOf(found);
  if (range === null) return c.body(content, 200, headers);
  return c.body(content, 206, { ...headers, "Content-Range": `bytes ${offset}-${offset + length - 1}/${size}` });
}

/** The bucket says of how many parts it is: `"…-2"`. */
function cameInParts(etag: string): boolean {
  return /-\d+"$/.test(etag);
}

/**
 * What came from a stranger is shown only if it was recognised, and even then as a page without any right. It is kept by nobody
 * but the reader, who asks each time: who may read it is decided now. It cannot be put into another's page by its address,
 * since that carries no credential; pages of the tenant's origins fetch it.
 */
function headersOf({ file: { name, type }, bytes: { httpEtag } }: Found): Record<string, string> {
  return {
    "Content-Type": type,
    "Content-Disposition": contentDisposition(name, { type: isShown(type) ? "inline" : "attachment" }),
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
    "Accept-Ranges": "bytes",
    ETag: httpEtag,
  };
}

function withoutRange(c: Context<AppEnv>): Headers {
  const headers = new Headers(c.req.raw.headers);
  headers.delete("range");
  return headers;
}
