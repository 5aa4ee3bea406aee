/** A user's data rights. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { tenantStub } from "../objects/stubs.ts";
import { Erasure, ErasedMessages, ErasureId } from "../protocol/erasure.ts";
import { UserId } from "../protocol/names.ts";
import { router } from "./app.ts";
import { adminSecurity, json } from "./declared.ts";
import { actorOf } from "./identity.ts";
import { admin, client } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";

const common = { tags: ["data"], security: adminSecurity, middleware: [client, admin] };

const erase = createRoute({
  ...common,
  method: "delete",
  path: "/v1/users/{user}",
  summary:
    "Erase a user: ended everywhere at once, then removed from all rooms; with `messages=keep` what was said stays, unnamed",
  request: {
    params: z.strictObject({ user: UserId }),
    query: z.strictObject({ messages: ErasedMessages.optional() }),
  },
  responses: { 202: json(Erasure, "It has begun."), ...problems },
});
const look = createRoute({
  ...common,
  method: "get",
  path: "/v1/erasures/{erasure}",
  summary: "How far an erasure is",
  request: { params: z.strictObject({ erasure: ErasureId }) },
  responses: { 200: json(Erasure, "It does not say whose it is."), ...problems },
});

export const users = router()
  .openapi(erase, async (c) => {
    const { user } = c.req.valid("param");
    const { messages = "erase" } = c.req.valid("query");
    const begun = await tenantStub(c.env, c.get("identity").tenant).erase(user, messages, actorOf(c));
    return begun.ok ? c.json(begun.erasure, 202) : problem(c, begun);
  })
  .openapi(look, async (c) => {
    const found = await tenantStub(c.env, c.get("identity").tenant).erasure(c.req.valid("param").erasure);
    return found.ok ? c.json(found.erasure, 200) : problem(c, found);
  });
