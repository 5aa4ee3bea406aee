/** Parley's Worker: mounts the routes, exports the objects. Nothing else. */
import type { Hono } from "hono";
import { except } from "hono/combine";
import type { ExtractSchema } from "hono/types";
import { type AppEnv, router } from "./routes/app.ts";
import { assistant } from "./routes/assistant.ts";
import { assistants } from "./routes/assistants.ts";
import { audit } from "./routes/audit.ts";
import { bans } from "./routes/bans.ts";
import { batches } from "./routes/batches.ts";
import { broadcasts } from "./routes/broadcasts.ts";
import { changes } from "./routes/changes.ts";
import { console } from "./routes/console.ts";
import { deliveries } from "./routes/deliveries.ts";
import { describeAt } from "./routes/description.ts";
import { documents } from "./routes/documents.ts";
import { events } from "./routes/events.ts";
import { exports } from "./routes/exports.ts";
import { fileContent } from "./routes/fileContent.ts";
import { flags } from "./routes/flags.ts";
import { hook } from "./routes/hook.ts";
import { imports } from "./routes/imports.ts";
import { issuers } from "./routes/issuers.ts";
import { limits } from "./routes/limits.ts";
import { live } from "./routes/live.ts";
import { messages } from "./routes/messages.ts";
import { messageStream } from "./routes/messageStream.ts";
import { metrics } from "./routes/metrics.ts";
import {
  bounded,
  carriesFile,
  crossOrigin,
  headless,
  identified,
  jsonOnly,
  safe,
  uncached,
} from "./routes/middleware/edge.ts";
import { notFound, onError } from "./routes/middleware/errors.ts";
import { perAddress } from "./routes/middleware/rates.ts";
import { written } from "./routes/middleware/written.ts";
import { moderation } from "./routes/moderation.ts";
import { revocations } from "./routes/revocations.ts";
import { pages } from "./routes/pages.ts";
import { pins } from "./routes/pins.ts";
import { revisions } from "./routes/revisions.ts";
import { rooms } from "./routes/rooms.ts";
import { search } from "./routes/search.ts";
import { socket } from "./routes/socket.ts";
import { streaming } from "./routes/streaming.ts";
import { tenant } from "./routes/tenant.ts";
import { tickets } from "./routes/tickets.ts";
import { uploadContent } from "./routes/uploadContent.ts";
import { uploads } from "./routes/uploads.ts";
import { usage } from "./routes/usage.ts";
import { tenants } from "./routes/tenants.ts";
import { webhooks } from "./routes/webhooks.ts";
import { users } from "./routes/users.ts";

export { Assistant } from "./objects/assistant/assistant.ts";
export { Directory } from "./objects/directory/directory.ts";
export { Room } from "./objects/room/room.ts";
export { Tenant } from "./objects/tenant/tenant.ts";
export { WebhookEndpoint } from "./objects/webhook/webhookEndpoint.ts";

const app = router();
app.use(identified, written, safe);
app.use("/v1/*", perAddress, uncached, crossOrigin, except(carriesFile, headless, bounded, jsonOnly));
app.onError(onError);
app.notFound(notFound(() => app.routes));

for (const routes of [
  documents,
  console,
  pages,
  tenants,
  tenant,
  audit,
  usage,
  metrics,
  issuers,
  revocations,
  hook,
  webhooks,
  deliveries,
  assistants,
  rooms,
  exports,
  imports,
  users,
  moderation,
  flags,
  bans,
  messages,
  pins,
  revisions,
  assistant,
  streaming,
  messageStream,
  batches,
  broadcasts,
  search,
  changes,
  live,
  uploads,
  uploadContent,
  fileContent,
  limits,
  tickets,
  events,
  socket,
])
  app.route("/", routes);

describeAt("/openapi.json", app);

/** For typed clients: `hc<AppType>(url)`. By the names of its parts: written out whole it is longer than the compiler allows. */
export type AppType = Hono<
  AppEnv,
  ExtractSchema<
    | typeof documents
    | typeof tenants
    | typeof tenant
    | typeof audit
    | typeof usage
    | typeof metrics
    | typeof issuers
    | typeof revocations
    | typeof hook
    | typeof webhooks
    | typeof deliveries
    | typeof assistants
    | typeof rooms
    | typeof exports
    | typeof imports
    | typeof users
    | typeof moderation
    | typeof flags
    | typeof bans
    | typeof messages
    | typeof pins
    | typeof revisions
    | typeof assistant
    | typeof streaming
    | typeof messageStream
    | typeof batches
    | typeof broadcasts
    | typeof search
    | typeof changes
    | typeof live
    | typeof uploads
    | typeof uploadContent
    | typeof fileContent
    | typeof limits
    | typeof tickets
    | typeof events
    | typeof socket
  >
>;

export default app;
