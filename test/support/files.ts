/** Files of a room without their way through the edge: as the room and the tenant see them. */
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { nanoid } from "nanoid";
import type { Caller } from "../../src/objects/room/existence.ts";
import { fileKey, filesOf } from "../../src/objects/files.ts";
import { roomStub, tenantStub } from "../../src/objects/stubs.ts";
import type { NewUpload } from "../../src/objects/tenant/uploads.ts";
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

/** A room that is there takes in a file of which the tenant knows nothing. Answers its id. */
export async function keepFile(
  { id: tenant }: Pick<TestTenant, "id">,
  room: string,
  user: string | null,
  file: Partial<StoredFile> = {},
): Promise<string> {
  const given = { room, user, name: "photo.png", type: "image/png", size: 4, width: 2, height: 1, atMs: Date.now() };
  const whole = { id: nanoid(), ...given, ...file };
  const kept = await roomStub(env, tenant, room).fileReady(callerAs(user, ["upload"]), whole);
  if (!kept.ok) throw new Error(JSON.stringify(kept));
  return whole.id;
}

/** Takes a file into a room that is there, or comes to be by it. Answers its id. */
export async function addFile(
  { id: tenant }: Pick<TestTenant, "id">,
  room: string,
  user: string | null,
  file: Partial<StoredFile> = {},
): Promise<string> {
  const id = nanoid();
  const wanted = await roomStub(env, tenant, room).mayUpload(callerAs(user, ["upload", "publish"]));
  if (!wanted.ok) throw new Error(JSON.stringify(wanted));
  await sendBytes(tenant, { id, room, user, name: "photo.png", size: 4, sha256: null, parts: 0 });
  await keepFile({ id: tenant }, room, user, { ...file, id });
  await tenantStub(env, tenant).confirmUpload(id);
  return id;
}

async function sendBytes(tenant: string, upload: NewUpload): Promise<void> {
  const reserved = await tenantStub(env, tenant).reserveUpload(upload);
  if (!reserved.ok) throw new Error(JSON.stringify(reserved));
  await env.UPLOADS.put(fileKey(tenant, upload.id), "four", { customMetadata: { room: upload.room } });
}

/** The files of a tenant whose bytes are there. */
export async function bytesOf({ id }: TestTenant): Promise<string[]> {
  const { objects } = await env.UPLOADS.list({ prefix: filesOf(id) });
  return objects.map(({ key }) => key.slice(filesOf(id).length));
}

/** What they take of its quota. */
export function storedBytesOf({ id }: TestTenant): Promise<number> {
  return runInDurableObject(
    env.TENANT.getByName(id),
    (_, { storage }) => storage.sql.exec<{ stored: number }>("SELECT stored FROM upload_total").one().stored,
  );
}
