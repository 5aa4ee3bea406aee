/** A room over HTTP: itself and its members. */
import { createRoute } from "@hono/zod-openapi";
import type { Context } from "hono";
import { roomStub } from "../objects/stubs.ts";
import type { Caller } from "../objects/room/existence.ts";
import { MemberBody, MembersPage, RoomBody, RoomInfo } from "../protocol/http.ts";
import { Member } from "../protocol/message.ts";
import { UserId } from "../protocol/names.ts";
import { type AppEnv, router } from "./app.ts";
import { body, clientSecurity, inRoom, json, listQuery, optionalBody, pageLimit } from "./declared.ts";
import { callerOf } from "./identity.ts";
import { client } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";

const common = { tags: ["rooms"], security: clientSecurity, middleware: client };
const ofRoom = { params: inRoom };
const ofUser = { params: inRoom.extend({ user: UserId }) };
const noContent = { 204: { description: "Done." }, ...problems };

/** The room's object, and who calls. */
export function calling(
  c: Context<AppEnv>,
  room: string,
): { readonly room: ReturnType<typeof roomStub>; readonly caller: Caller } {
  const identity = c.get("identity");
  return { room: roomStub(c.env, identity.tenant, room), caller: callerOf(identity, room, c.get("requestId")) };
}

const put = createRoute({
  ...common,
  method: "put",
  path: "/v1/rooms/{room}",
  summary: "Create a room, or confirm it",
  request: { ...ofRoom, body: optionalBody(RoomBody) },
  responses: { 200: json(RoomInfo, "It was there."), 201: json(RoomInfo, "It is new."), ...problems },
});
const get = createRoute({
  ...common,
  method: "get",
  path: "/v1/rooms/{room}",
  summary: "Read a room",
  request: ofRoom,
  responses: { 200: json(RoomInfo, "The room."), ...problems },
});
const patch = createRoute({
  ...common,
  method: "patch",
  path: "/v1/rooms/{room}",
  summary: "Change a room's settings",
  request: { ...ofRoom, body: optionalBody(RoomBody) },
  responses: { 200: json(RoomInfo, "The room."), ...problems },
});
const remove = createRoute({
  ...common,
  method: "delete",
  path: "/v1/rooms/{room}",
  summary: "Delete a room with its history; its name answers 410 until it is created again",
  request: ofRoom,
  responses: noContent,
});
const members = createRoute({
  ...common,
  method: "get",
  path: "/v1/rooms/{room}/members",
  summary: "List members, removed ones with role null",
  request: { ...ofRoom, query: listQuery },
  responses: { 200: json(MembersPage, "Members by user."), ...problems },
});
const putMember = createRoute({
  ...common,
  method: "put",
  path: "/v1/rooms/{room}/members/{user}",
  summary: "Make a member, or change the role",
  request: { ...ofUser, body: body(MemberBody) },
  responses: { 200: json(Member, "The member."), ...problems },
});
const removeMember = createRoute({
  ...common,
  method: "delete",
  path: "/v1/rooms/{room}/members/{user}",
  summary: "Remove a member",
  request: ofUser,
  responses: noContent,
});
export const rooms = router()
  .openapi(put, async (c) => {
    const { room, caller } = calling(c, c.req.valid("param").room);
    const made = await room.create(caller, c.req.valid("json").settings ?? {});
    if (!made.ok) return problem(c, made);
    return made.created ? c.json(made.room, 201) : c.json(made.room, 200);
  })
  .openapi(get, async (c) => {
    const { room, caller } = calling(c, c.req.valid("param").room);
    const found = await room.describe(caller);
    return found.ok ? c.json(found.room, 200) : problem(c, found);
  })
  .openapi(patch, async (c) => {
    const { room, caller } = calling(c, c.req.valid("param").room);
    const changed = await room.configure(caller, c.req.valid("json").settings ?? {});
    return changed.ok ? c.json(changed.room, 200) : problem(c, changed);
  })
  .openapi(remove, async (c) => {
    const { room, caller } = calling(c, c.req.valid("param").room);
    const removed = await room.delete(caller);
    return removed.ok ? c.body(null, 204) : problem(c, removed);
  })
  .openapi(members, async (c) => {
    const { room, caller } = calling(c, c.req.valid("param").room);
    const { after = "", limit } = c.req.valid("query");
    const found = await room.members(caller, { after, limit: pageLimit(limit) + 1 });
    if (!found.ok) return problem(c, found);
    const items = found.members.slice(0, pageLimit(limit));
    const last = items.at(-1);
    return c.json(
      {
        items,
        cursor: found.cursor,
        ...(found.members.length > items.length && last !== undefined ? { next: last.user } : {}),
      },
      200,
    );
  })
  .openapi(putMember, async (c) => {
    const { room: name, user } = c.req.valid("param");
    const { room, caller } = calling(c, name);
    const { role, name: shown = null } = c.req.valid("json");
    const saved = await room.setMember(caller, { user, name: shown, role });
    return saved.ok ? c.json(saved.member, 200) : problem(c, saved);
  })
  .openapi(removeMember, async (c) => {
    const { room: name, user } = c.req.valid("param");
    const { room, caller } = calling(c, name);
    const removed = await room.setMember(caller, { user, name: null, role: null });
    return removed.ok ? c.body(null, 204) : problem(c, removed);
  });
