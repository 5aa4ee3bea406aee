/** Names to objects. The only file that knows how. */
import type { Directory } from "./directory/directory.ts";
import type { Room } from "./room/room.ts";
import type { Tenant } from "./tenant/tenant.ts";

/** What the objects need of the Worker's environment. */
export interface ObjectBindings {
  readonly ROOM: DurableObjectNamespace<Room>;
  readonly TENANT: DurableObjectNamespace<Tenant>;
  readonly DIRECTORY: DurableObjectNamespace<Directory>;
  /** Raised by every restore from a backup. */
  readonly GENERATION: string;
}

/** Neither name can hold a `/` (protocol/names.ts), so no two pairs share an object. */
export function roomObjectName(tenant: string, room: string): string {
  return `${tenant}/${room}`;
}

export function parseRoomObjectName(name: string): { readonly tenant: string; readonly room: string } {
  const slash = name.indexOf("/");
  if (slash <= 0) throw new Error("a room is addressed as tenant/room");
  return { tenant: name.slice(0, slash), room: name.slice(slash + 1) };
}

export function roomStub(env: ObjectBindings, tenant: string, room: string): DurableObjectStub<Room> {
  return env.ROOM.getByName(roomObjectName(tenant, room));
}

export function tenantStub(env: ObjectBindings, tenant: string): DurableObjectStub<Tenant> {
  return env.TENANT.getByName(tenant);
}

export function directoryStub(env: ObjectBindings): DurableObjectStub<Directory> {
  return env.DIRECTORY.getByName("directory");
}
