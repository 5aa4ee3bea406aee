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
  /** `allow`: tenants may name addresses of this deployment's own network (protocol/endpoint.ts). */
  readonly PRIVATE_ENDPOINTS?: string;
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

/**
 * An object as its callers see it: each method answers a promise of what it returns. The platform's own stub type turns an
 * answer that holds `unknown` (a message's `data`) into `never`, and everything here is plain data that arrives as it left.
 */
type Remote<T> = {
  readonly [
    Name in Exclude<keyof T, PlatformEvent> as T[Name] extends (...args: never[]) => unknown ? Name : never
  ]: T[Name] extends (...args: infer Given) => infer Answer ? (...args: Given) => Promise<Awaited<Answer>> : never;
};

/** What the platform calls, and nobody else. */
type PlatformEvent = "fetch" | "alarm" | "webSocketMessage" | "webSocketClose" | "webSocketError";

export type RoomStub = Remote<Room> & Pick<Fetcher, "fetch">;

export function roomStub(env: ObjectBindings, tenant: string, room: string): RoomStub {
  return env.ROOM.getByName(roomObjectName(tenant, room)) as unknown as RoomStub;
}

export type TenantStub = Remote<Tenant>;

export function tenantStub(env: ObjectBindings, tenant: string): TenantStub {
  return env.TENANT.getByName(tenant);
}

export function directoryStub(env: ObjectBindings): Remote<Directory> {
  return env.DIRECTORY.getByName("directory");
}
