/** One line of the log for each request that the Worker answers. */
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import { isWritten, levelOf, roomMark, write } from "../../objects/journal.ts";
import type { AppEnv } from "../app.ts";
import { Life } from "../held/life.ts";

export const written = createMiddleware<AppEnv>(async function written(c, next) {
  if (!isWritten(c.env)) return next();
  const beganMs = Date.now();
  await next();
  const nowMs = Date.now();
  const { status } = c.res;
  const refusal = c.get("refusal");
  const route = routePath(c, -1);
  write(
    {
      level: levelOf(refusal, status),
      event: "request",
      request: c.get("requestId"),
      ...placeOf(c),
      method: c.req.method,
      // Only those of the middleware match a path that there is not.
      ...(route.endsWith("*") && !route.startsWith("/console") ? {} : { route }),
      status,
      ...(refusal === undefined ? {} : { refusal }),
      ms: Math.max(0, nowMs - beganMs),
    },
    nowMs,
  );
  return undefined;
});

/** Whose it is, and of which room. A name that is none of a room's is not looked up: its request was refused. */
function placeOf(c: Context<AppEnv>): { readonly tenant?: string; readonly room?: string } {
  const tenant = c.get("tenant") ?? c.get("identity")?.tenant;
  if (tenant === undefined) return {};
  const room = c.req.param("room");
  return room === undefined ? { tenant } : { tenant, room: roomMark(c.env, tenant, room) };
}

/** Of a connection that the Worker holds. */
export function lifeOf(c: Context<AppEnv>, connection: string, transport: "websocket" | "events"): Life {
  const named = { request: c.get("requestId"), connection, transport };
  return new Life(isWritten(c.env) ? { ...named, ...placeOf(c) } : null, Date.now());
}
