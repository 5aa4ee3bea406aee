/** Who may not speak in a room, or not be in it. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import type { Sanctioned as SanctionedUser } from "../objects/room/bans.ts";
import { BanBody, KickBody, MuteBody, Sanctioned } from "../protocol/http.ts";
import { noEndMs } from "../protocol/message.ts";
import { UserId } from "../protocol/names.ts";
import { router } from "./app.ts";
import { body, clientSecurity, endOf, inRoom, json, listed, listQuery, optionalBody, pageLimit } from "./declared.ts";
import { client } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";
import { calling } from "./rooms.ts";

const common = { tags: ["moderation"], security: clientSecurity, middleware: client };
const ofUser = { params: inRoom.extend({ user: UserId }) };
const noContent = { 204: { description: "Done." }, ...problems };

const kick = createRoute({
  ...common,
  method: "post",
  path: "/v1/rooms/{room}/kicks",
  summary: "Close a user's connections to the room with a reason; the user may come back",
  request: { params: inRoom, body: body(KickBody) },
  responses: noContent,
});
const listBans = createRoute({
  ...common,
  method: "get",
  path: "/v1/rooms/{room}/bans",
  summary: "List who is banned or muted here, with the reasons",
  request: { params: inRoom, query: listQuery },
  responses: {
    200: json(z.object({ items: z.array(Sanctioned), next: z.string().optional() }), "Users by id."),
    ...problems,
  },
});
const putBan = createRoute({
  ...common,
  method: "put",
  path: "/v1/rooms/{room}/bans/{user}",
  summary: "Ban a user from the room, until a time or until unbanned; with `shadow` unnoticed",
  request: { ...ofUser, body: optionalBody(BanBody) },
  responses: noContent,
});
const removeBan = createRoute({
  ...common,
  method: "delete",
  path: "/v1/rooms/{room}/bans/{user}",
  summary: "End a ban",
  request: ofUser,
  responses: noContent,
});
const putMute = createRoute({
  ...common,
  method: "put",
  path: "/v1/rooms/{room}/mutes/{user}",
  summary: "Mute a user, until a time or until unmuted",
  request: { ...ofUser, body: optionalBody(MuteBody) },
  responses: noContent,
});
const removeMute = createRoute({
  ...common,
  method: "delete",
  path: "/v1/rooms/{room}/mutes/{user}",
  summary: "End a mute",
  request: ofUser,
  responses: noContent,
});

export const moderation = router()
  .openapi(kick, async (c) => {
    const { room, caller } = calling(c, c.req.valid("param").room);
    const { user, reason = null } = c.req.valid("json");
    const kicked = await room.kick(caller, { user, reason });
    return kicked.ok ? c.body(null, 204) : problem(c, kicked);
  })
  .openapi(listBans, async (c) => {
    const { room, caller } = calling(c, c.req.valid("param").room);
    const { after = "", limit: asked } = c.req.valid("query");
    const limit = pageLimit(asked);
    const found = await room.sanctioned(caller, { after, limit: limit + 1 });
    if (!found.ok) return problem(c, found);
    return c.json(
      listed(found.sanctioned.map(shown), limit, ({ user }) => user),
      200,
    );
  })
  .openapi(putBan, async (c) => {
    const { room: name, user } = c.req.valid("param");
    const { room, caller } = calling(c, name);
    const { until = noEndMs, reason = null, shadow = false } = c.req.valid("json");
    const banned = await room.ban(caller, { user, ban: { untilMs: until, reason, shadow } });
    return banned.ok ? c.body(null, 204) : problem(c, banned);
  })
  .openapi(removeBan, async (c) => {
    const { room: name, user } = c.req.valid("param");
    const { room, caller } = calling(c, name);
    const lifted = await room.ban(caller, { user, ban: null });
    return lifted.ok ? c.body(null, 204) : problem(c, lifted);
  })
  .openapi(putMute, async (c) => {
    const { room: name, user } = c.req.valid("param");
    const { room, caller } = calling(c, name);
    const { until = noEndMs, reason = null } = c.req.valid("json");
    const muted = await room.mute(caller, { user, untilMs: until, reason });
    return muted.ok ? c.body(null, 204) : problem(c, muted);
  })
  .openapi(removeMute, async (c) => {
    const { room: name, user } = c.req.valid("param");
    const { room, caller } = calling(c, name);
    const unmuted = await room.mute(caller, { user, untilMs: null, reason: null });
    return unmuted.ok ? c.body(null, 204) : problem(c, unmuted);
  });

function shown({ user, ban, mute }: SanctionedUser): Sanctioned {
  return {
    user,
    ban: ban && { until: endOf(ban.untilMs), reason: ban.reason, shadow: ban.shadow, at: ban.atMs },
    mute: mute && { until: endOf(mute.untilMs), reason: mute.reason },
  };
}
