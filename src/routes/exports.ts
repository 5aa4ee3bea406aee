/** Everything of a room, of a tenant or of a user, line by line. The next page is asked for when the last one has been taken. */
import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import * as z from "zod";
import type { ExportPage } from "../objects/exports.ts";
import { roomStub, tenantStub } from "../objects/stubs.ts";
import type { Actor } from "../protocol/actor.ts";
import { exportType, type ExportHead, exportVersion } from "../protocol/export.ts";
import { TenantId, UserId } from "../protocol/names.ts";
import { type Refusal, refusals } from "../protocol/refusals.ts";
import type { Bindings } from "../env.ts";
import { type AppEnv, router } from "./app.ts";
import { adminSecurity, inRoom, operatorSecurity } from "./declared.ts";
import { actorOf } from "./identity.ts";
import { Digest } from "./lines.ts";
import { admin, client, operator } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";

const lines = {
  content: { [exportType]: { schema: z.string() } },
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

const ofUser = createRoute({
  tags: ["data"],
  security: adminSecurity,
  middleware: [client, admin],
  method: "get",
  path: "/v1/users/{user}/export",
  summary: "Export a user: what all rooms and the tenant hold of him",
  request: { params: z.strictObject({ user: UserId }) },
  responses: { 200: lines, ...problems },
});
const ofTenant = createRoute({
  tags: ["operator"],
  security: operatorSecurity,
  middleware: operator,
  method: "post",
  path: "/v1/tenants/{tenant}/export",
  summary: "Export a tenant: what it has set and decided, its audit log, and each room as an export of its own",
  request: { params: z.strictObject({ tenant: TenantId }) },
  responses: { 200: lines, ...problems },
});

export const exports = router()
  .openapi(ofRoom, async (c) => {
    const { room } = c.req.valid("param");
    const opened = await openRoom(c.env, c.get("identity").tenant, room, actorOf(c));
    return opened.ok ? answer(c, opened.text) : problem(c, opened);
  })
  .openapi(ofUser, async (c) => {
    const { user } = c.req.valid("param");
    const opened = await openTenant(c.env, c.get("identity").tenant, user, actorOf(c));
    return opened.ok ? answer(c, opened.text) : problem(c, opened);
  })
  .openapi(ofTenant, async (c) => {
    const opened = await openTenant(c.env, c.req.valid("param").tenant, null, actorOf(c));
    return opened.ok ? answer(c, opened.text) : problem(c, opened);
  });

type Pages = AsyncGenerator<Pick<ExportPage<unknown>, "text" | "counts">, void, undefined>;
type Opened = { readonly ok: true; readonly text: AsyncGenerator<string, void, undefined> } | Refusal;

/** The first page at once: what is refused is refused before anything is answered. */
async function openRoom(env: Bindings, tenant: string, room: string, actor: Actor | null): Promise<Opened> {
  const stub = roomStub(env, tenant, room);
  const first = await stub.exportPage(null, actor);
  if (!first.ok) return first;
  const head = { ...begun("room", tenant), room, epoch: first.epoch };
  return {
    ok: true,
    text: sealed(
      head,
      paged(first, (position) => stub.exportPage(position, null)),
    ),
  };
}

/** Of all of a tenant, or of one user: what it says itself, and then its rooms. */
async function openTenant(env: Bindings, tenant: string, user: string | null, actor: Actor): Promise<Opened> {
  const stub = tenantStub(env, tenant);
  const first = await stub.exportPage(user, null, actor);
  if (!first.ok) return first;
  async function* pages(): Pages {
    yield* paged(first, (position) => stub.exportPage(user, position, null));
    for await (const room of roomsOf(env, tenant))
      yield* user === null ? roomOf(env, tenant, room) : userIn(env, tenant, room, user);
  }
  const head = user === null ? begun("tenant", tenant) : { ...begun("user", tenant), user };
  return { ok: true, text: sealed(head, pages()) };
}

/** A room's export within another: its lines are counted as rooms. */
async function* roomOf(env: Bindings, tenant: string, room: string): Pages {
  const opened = await openRoom(env, tenant, room, null);
  if (!opened.ok) return ends(opened);
  yield { text: "", counts: { room: 1 } };
  for await (const text of opened.text) yield { text, counts: {} };
}

async function* userIn(env: Bindings, tenant: string, room: string, user: string): Pages {
  const stub = roomStub(env, tenant, room);
  const first = await stub.userPage(user, null);
  if (first.ok) yield* paged(first, (position) => stub.userPage(user, position));
  else ends(first);
}

/** One that was deleted since it was listed is no reason to end. */
function ends(refused: Refusal): void {
  if (refused.error !== "not_found" && refused.error !== "room_deleted") throw new Interrupted(refused);
}

async function* roomsOf(env: Bindings, tenant: string): AsyncGenerator<string, void, undefined> {
  const limit = 200;
  for (let after = ""; ;) {
    const rooms = await tenantStub(env, tenant).rooms({ prefix: "", after, limit });
    for (const { name } of rooms) yield name;
    if (rooms.length < limit) return;
    after = rooms.at(-1)?.name ?? "";
  }
}

type Paged<Position> = ({ readonly ok: true } & ExportPage<Position>) | Refusal;

async function* paged<Position>(first: Paged<Position>, next: (position: Position) => Promise<Paged<Position>>): Pages {
  for (let page = first; ; page = await next(page.next)) {
    if (!page.ok) throw new Interrupted(page);
    yield page;
    if (page.next === null) return;
  }
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
        let { done, value } = await text.next();
        // Without anything to read it would not be asked again.
        while (done !== true && value === "") ({ done, value } = await text.next());
        if (done === true) controller.close();
        else controller.enqueue(encoder.encode(value ?? ""));
      },
      async cancel() {
        await text.return();
      },
    },
    { highWaterMark: 0 },
  );
}
