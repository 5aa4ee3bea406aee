/** What was exported, taken in again. All of a room, or nothing. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { exportType } from "../protocol/export.ts";
import { Imported, ImportedTenant } from "../protocol/http.ts";
import { TenantId } from "../protocol/names.ts";
import { router } from "./app.ts";
import { adminSecurity, inRoom, json, operatorSecurity } from "./declared.ts";
import { actorOf } from "./identity.ts";
import { Lines } from "./lines.ts";
import { admin, client, operator } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";
import { importRoom } from "./roomImport.ts";
import { importTenant } from "./tenantImport.ts";

const body = { required: true, content: { [exportType]: { schema: z.string() } } };

const intoRoom = createRoute({
  tags: ["data"],
  security: adminSecurity,
  middleware: [client, admin],
  method: "post",
  path: "/v1/rooms/{room}/import",
  summary: "Import a room's export into a new room, whole or not at all; its history gets another epoch",
  request: { params: inRoom, body },
  responses: { 201: json(Imported, "It is the room's history now."), ...problems },
});
const intoTenant = createRoute({
  tags: ["operator"],
  security: operatorSecurity,
  middleware: operator,
  method: "post",
  path: "/v1/tenants/{tenant}/import",
  summary:
    "Import a tenant's export into a tenant that is there: its settings, bans and rooms, each room whole or not at all",
  request: { params: z.strictObject({ tenant: TenantId }), body },
  responses: { 200: json(ImportedTenant, "What was taken."), ...problems },
});

export const imports = router()
  .openapi(intoRoom, async (c) => {
    const { room } = c.req.valid("param");
    const lines = new Lines(c.req.raw);
    const { tenant } = c.get("identity");
    const imported = lines.unfit ?? (await importRoom(c.env, { tenant, room }, lines, actorOf(c)));
    if (!imported.ok) return problem(c, imported);
    const { counts, hash, cursor } = imported;
    return c.json({ room, counts, hash, cursor }, 201);
  })
  .openapi(intoTenant, async (c) => {
    const { tenant } = c.req.valid("param");
    const lines = new Lines(c.req.raw);
    const imported = lines.unfit ?? (await importTenant(c.env, tenant, lines, actorOf(c)));
    if (!imported.ok) return problem(c, imported);
    const { rooms, skipped, counts, hash } = imported;
    return c.json({ tenant, rooms, skipped, counts, hash }, 200);
  });
