/** The limits that apply to whoever asks, and what is left of them. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { tenantStub } from "../objects/stubs.ts";
import { LimitsAnswer } from "../protocol/http.ts";
import { RoomName } from "../protocol/names.ts";
import { router } from "./app.ts";
import { clientSecurity, json } from "./declared.ts";
import { client } from "./middleware/authenticate.ts";
import { problem, problems, tellLevels } from "./problem.ts";
import { calling } from "./rooms.ts";

const get = createRoute({
  method: "get",
  path: "/v1/limits",
  tags: ["live"],
  security: clientSecurity,
  middleware: client,
  summary: "Read the limits that apply, and what is left of them; `room` adds those of that room",
  request: { query: z.strictObject({ room: RoomName.optional() }) },
  responses: { 200: json(LimitsAnswer, "The limits, and what is left."), ...problems },
});

export const limits = router().openapi(get, async (c) => {
  const { room } = c.req.valid("query");
  const ofTenant = await tenantStub(c.env, c.get("identity").tenant).limits();
  if (!ofTenant.ok) return problem(c, ofTenant);
  const levels = [...ofTenant.levels];
  if (room !== undefined) {
    const asked = calling(c, room);
    const inRoom = await asked.room.levels(asked.caller);
    if (!inRoom.ok) return problem(c, inRoom);
    const known = new Set(levels.map(({ scope }) => scope));
    levels.push(...inRoom.levels.filter(({ scope }) => !known.has(scope)));
  }
  tellLevels(c, levels);
  return c.json({ limits: ofTenant.limits, levels }, 200);
});
