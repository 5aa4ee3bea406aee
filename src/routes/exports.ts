/** Everything of a room, of a tenant or of a user, line by line. The next page is asked for when the last one has been taken. */
import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ExportPage } from "../objects/exports.ts";
import { roomStub } from "../objects/stubs.ts";
import type { Actor } from "../protocol/actor.ts";
import { exportType, type ExportHead, exportVersion } from "../protocol/export.ts";
import { type Refusal, refusals } from "../protocol/refusals.ts";
import type { Bindings } from "../env.ts";
import { type AppEnv, router } from "./app.ts";
import { adminSecurity, inRoom } from "./declared.ts";
import { actorOf } from "./identity.ts";
import { Digest } from "./lines.ts";
import { admin, client } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";

const lines = {
  content: { [exportType]: {} },
  description: "NDJSON, one row a line. Without its last line, of type `end`, it was cut off.",
};

const ofRoom = createRoute({
  tags: ["data"],
  security: adminSecurity,
  middleware: [client, admin],
  method: "get",
  path: "/v1/rooms/{room}/export",
  summary: "Export a room: every row of it, as it stands when the last line is written",
  request: { params: inRoom },
  responses: { 200: lines, ...problems },
});

export const exports = router().openapi(ofRoom, async (c) => {
  const { room } = c.req.valid("param");
  const opened = await openRoom(c.env, c.get("identity").tenant, room, actorOf(c));
  return opened.ok ? answer(c, opened.text) : problem(c, opened);
});

type Pages = AsyncGenerator<Pick<ExportPage<unknown>, "text" | "counts">, void, undefined>;
type Opened = { readonly ok: true; readonly text: AsyncGenerator<string, void, undefined> } | Refusal;

/** The first page at once: what is refused is refused before anything is answered. */
async function openRoom(env: Bindings, tenant: string, room: string, actor: Actor): Promise<Opened> {
  const stub = roomStub(env, tenant, room);
  const first = await stub.exportPage(null, actor);
  if (!first.ok) return first;
  const { epoch } = first;
  async function* pages(): Pages {
    for (let page = first; ; page = await stub.exportPage(page.next, null)) {
      if (!page.ok) throw new Interrupted(page);
      yield page;
      if (page.next === null) return;
    }
  }
  return { ok: true, text: sealed({ ...begun("room", tenant), room, epoch }, pages()) };
}

function begun(
  kind: ExportHead["kind"],
  tenant: string,
): Pick<ExportHead, "type" | "version" | "kind" | "tenant" | "at"> {
  return { type: "export", version: exportVersion, kind, tenant, at: Date.now() };
}

/** What a page that is refused does to the lines that were sent before it: they have no end. */
class Interrupted extends Error {
  constructor({ error }: Refusal) {
    super(refusals[error].text);
  }
}

/** With the first line and the last. */
async function* sealed(head: ExportHead, pages: Pages): AsyncGenerator<string, void, undefined> {
  yield `${JSON.stringify(head)}\n`;
  const digest = new Digest();
  const counts: Record<string, number> = {};
  for await (const page of pages) {
    await digest.add(page.text);
    for (const [type, count] of Object.entries(page.counts)) counts[type] = (counts[type] ?? 0) + count;
    yield page.text;
  }
  yield `${JSON.stringify({ type: "end", kind: head.kind, counts, hash: await digest.hex() })}\n`;
}

function answer(c: Context<AppEnv>, text: AsyncGenerator<string, void, undefined>): Response {
  return c.body(streamOf(text), 200, { "Content-Type": exportType });
}

/** Holds one page at most: who does not read on asks nobody for another. */
function streamOf(text: AsyncGenerator<string, void, undefined>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await text.next();
        if (done === true) controller.close();
        else if (value !== "") controller.enqueue(encoder.encode(value));
      },
      async cancel() {
        await text.return();
      },
    },
    { highWaterMark: 0 },
  );
}
