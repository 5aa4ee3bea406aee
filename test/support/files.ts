/** Files of a room without their bytes' way there: as the room sees them. */
import { env } from "cloudflare:workers";
import { nanoid } from "nanoid";
import type { Caller } from "../../src/objects/room/existence.ts";
import { roomStub } from "../../src/objects/stubs.ts";
import type { RoomCapability } from "../../src/protocol/capabilities.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import type { StoredFile } from "../../src/protocol/upload.ts";
import type { TestTenant } from "./api.ts";

/** As the edge names somebody to a room. */
export function callerAs(user: string | null, capabilities: readonly RoomCapability[]): Caller {
  const rights = [...capabilities];
  const session = { connection: "c", user, name: null, token: null, issuedAt: 0, expiresAt: null };
  return {
    session: { ...session, capabilities: rights, ceiling: rights, key: "1kaaaaaaaaaaaa" },
    policy: { version: 0, limits: defaultLimits, autoCreate: true },
  };
}

/** Takes a file into a room that is there, or comes to be by it. Answers its id. */
export async function addFile(
  { id: tenant }: TestTenant,
  room: string,
  user: string | null,
  file: Partial<StoredFile> = {},
): Promise<string> {
  const id = nanoid();
  const stub = roomStub(env, tenant, room);
  const caller = callerAs(user, ["upload", "publish"]);
  const wanted = await stub.mayUpload(caller);
  if (!wanted.ok) throw new Error(JSON.stringify(wanted));
  const given = {
    id,
    room,
    user,
    name: "photo.png",
    type: "image/png",
    size: 4,
    width: 2,
    height: 1,
    atMs: Date.now(),
  };
  const kept = await stub.fileReady(caller, { ...given, ...file });
  if (!kept.ok) throw new Error(JSON.stringify(kept));
  return id;
}
