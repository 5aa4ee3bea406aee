/** Flags: users say which messages somebody should look at, and the tenant's people do. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { tenantStub } from "../objects/stubs.ts";
import { Flag, FlagBody, FlagReceipt, FlagResolution } from "../protocol/http.ts";
import { RoomName } from "../protocol/names.ts";
import { router } from "./app.ts";
import {
  adminSecurity,
  body,
  clientSecurity,
  json,
  listed,
  onMessage,
  optionalBody,
  PageBound,
  PageLimit,
  pageLimit,
} from "./declared.ts";
import { actorOf } from "./identity.ts";
import { admin, client } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";
import { calling } from "./rooms.ts";

const ofTenant = { tags: ["moderation"], security: adminSecurity, middleware: [client, admin] };

const add = createRoute({
  tags: ["moderation"],
  security: clientSecurity,
  middleware: client,
  method: "post",
  path: "/v1/rooms/{room}/messages/{id}/flags",
  summary: "Flag a message for the tenant's people to look at",
  request: { params: onMessage, body: optionalBody(FlagBody) },
  responses: {
    200: json(FlagReceipt, "The user has flagged it before."),
    201: json(FlagReceipt, "It waits to be looked at."),
    ...problems,
  },
});
const list = createRoute({
  ...ofTenant,
  method: "get",
  path: "/v1/flags",
  summary: "List flagged messages, the oldest flag first",
  request: {
    query: z.strictObject({
      state: Flag.shape.state.optional(),
      room: RoomName.optional(),
      after: PageBound,
      limit: PageLimit,
    }),
  },
  responses: {
    200: json(z.object({ items: z.array(Flag), next: z.string().optional() }), "Flags by id."),
    ...problems,
  },
});
const resolve = createRoute({
  ...ofTenant,
  method: "patch",
  path: "/v1/flags/{flag}",
  summary: "Say that a flag has been looked at, and what came of it",
  request: {
    params: z.strictObject({ flag: onMessage.shape.id }),
    body: body(FlagResolution),
  },
  responses: { 200: json(Flag, "The flag."), ...problems },
});

export const flags = router()
  .openapi(add, async (c) => {
    const { room: name, id } = c.req.valid("param");
    const { room, caller } = calling(c, name);
    const { reason = null } = c.req.valid("json");
    const flagged = await room.flag(caller, { id: Number(id), reason });
    if (!flagged.ok) return problem(c, flagged);
    const { id: flag, createdAt } = flagged.flag;
    return flagged.isNew ? c.json({ flag, createdAt }, 201) : c.json({ flag, createdAt }, 200);
  })
  .openapi(list, async (c) => {
    const { state = null, room = null, after = 0, limit: asked } = c.req.valid("query");
    const limit = pageLimit(asked);
    const found = await tenantStub(c.env, c.get("identity").tenant).flags({ state, room, after, limit: limit + 1 });
    return c.json(
      listed(found, limit, ({ id }) => String(id)),
      200,
    );
  })
  .openapi(resolve, async (c) => {
    const { note = null } = c.req.valid("json");
    const id = Number(c.req.valid("param").flag);
    const resolved = await tenantStub(c.env, c.get("identity").tenant).resolveFlag(id, note, actorOf(c));
    return resolved.ok ? c.json(resolved.flag, 200) : problem(c, resolved);
  });
