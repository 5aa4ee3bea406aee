/** Names to objects, and how to call them. The only file that knows how. */
import type { DurableObject } from "cloudflare:workers";
import type { Server } from "partyserver";
import type { Assistant } from "./assistant/assistant.ts";
import type { Directory } from "./directory/directory.ts";
import { callers, type Remote } from "./callers.ts";
import { assistantCalls, directoryCalls, type Methods, roomCalls, tenantCalls, webhookCalls } from "./repeats.ts";
import type { Room } from "./room/room.ts";
import type { Tenant } from "./tenant/tenant.ts";
import type { WebhookEndpoint } from "./webhook/webhookEndpoint.ts";

/** What the objects need of the Worker's environment. */
export interface ObjectBindings {
  readonly ROOM: DurableObjectNamespace<Room>;
  readonly TENANT: DurableObjectNamespace<Tenant>;
  readonly DIRECTORY: DurableObjectNamespace<Directory>;
  readonly WEBHOOK_ENDPOINT: DurableObjectNamespace<WebhookEndpoint>;
  readonly ASSISTANT: DurableObjectNamespace<Assistant>;
  readonly UPLOADS: R2Bucket;
  /** Raised by every restore from a backup. */
  readonly GENERATION: string;
  /** Workers AI, where the deployment has it. */
  readonly AI?: Ai;
  /** `allow`: tenants may name addresses of this deployment's own network (protocol/endpoint.ts). */
  readonly PRIVATE_ENDPOINTS?: string;
  /** `json`: a line for each request and each connection (journal.ts). */
  readonly LOG?: string;
}

/** Rooms tell by the master key whether a token that they are sent is one, and what is sent to a tenant's server is signed by it. */
export interface RoomBindings extends ObjectBindings {
  /** `1:…,2:…`: the first makes new keys. */
  readonly MASTER_KEY: string;
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

/** As rooms, in a namespace of their own. */
export function webhookObjectName(tenant: string, endpoint: string): string {
  return `${tenant}/${endpoint}`;
}

export function parseWebhookObjectName(name: string): { readonly tenant: string; readonly endpoint: string } {
  const { tenant, room: endpoint } = parseRoomObjectName(name);
  return { tenant, endpoint };
}

export type RoomStub = Remote<Methods<Room, Server>> & {
  /** The upgrade: the one thing that is no call. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
};

export function roomStub(env: ObjectBindings, tenant: string, room: string): RoomStub {
  return new RoomCaller(() => env.ROOM.getByName(roomObjectName(tenant, room))) as RoomStub;
}

export type TenantStub = Remote<Methods<Tenant, DurableObject>>;

export function tenantStub(env: ObjectBindings, tenant: string): TenantStub {
  return new TenantCaller(() => env.TENANT.getByName(tenant)) as TenantStub;
}

export type WebhookStub = Remote<Methods<WebhookEndpoint, DurableObject>>;

export function webhookStub(env: ObjectBindings, tenant: string, endpoint: string): WebhookStub {
  return new WebhookCaller(() => env.WEBHOOK_ENDPOINT.getByName(webhookObjectName(tenant, endpoint))) as WebhookStub;
}

/** Whoever answers in a room has the room's own name. */
export type AssistantStub = Remote<Methods<Assistant, DurableObject>>;

export function assistantStub(env: ObjectBindings, tenant: string, room: string): AssistantStub {
  return new AssistantCaller(() => env.ASSISTANT.getByName(roomObjectName(tenant, room))) as AssistantStub;
}

export type DirectoryStub = Remote<Methods<Directory, DurableObject>>;

export function directoryStub(env: ObjectBindings): DirectoryStub {
  return new DirectoryCaller(() => env.DIRECTORY.getByName("directory")) as DirectoryStub;
}

const RoomCaller = callers({ ...roomCalls, fetch: "again" });
const TenantCaller = callers(tenantCalls);
const WebhookCaller = callers(webhookCalls);
const AssistantCaller = callers(assistantCalls);
const DirectoryCaller = callers(directoryCalls);
