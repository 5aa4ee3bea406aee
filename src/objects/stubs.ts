/** Names to objects, and how to call them. The only file that knows how. */
import type { DurableObject } from "cloudflare:workers";
import type { Server } from "partyserver";
import type { Assistant } from "./assistant/assistant.ts";
import type { Directory } from "./directory/directory.ts";
import { attempt } from "./failures.ts";
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

/**
 * Whether a call is made again when it was lost and nobody knows whether it was carried out:
 * - `again`: twice leaves the object as once does.
 * - `once`: twice may be one too many.
 * - a function of what is asked, where that decides.
 */
type Repeat<Method> = Method extends (...args: infer Given) => unknown
  ? "again" | "once" | ((...args: Given) => boolean)
  : never;

/** A method that is not named here does not compile. */
type Repeats<Named> = { readonly [Name in keyof Named]: Repeat<Named[Name]> };

const roomCalls: Repeats<Methods<Room, Server>> = {
  create: "again",
  configure: "again",
  // A second one would be told that it is gone.
  delete: "once",
  // Its nonce tells a second one from the first.
  publish: (_, { nonce }) => nonce !== null,
  publishBatch: (_, messages) => messages.every(({ nonce }) => nonce !== null),
  // It would count as another version.
  edit: "once",
  remove: "again",
  // By its offset a second one is known.
  append: "again",
  finish: "again",
  cancel: "again",
  react: "again",
  pin: "again",
  pins: "again",
  revisions: "again",
  read: "again",
  setMember: "again",
  mayUpload: "again",
  fileReady: "again",
  file: "again",
  heldFiles: "again",
  dropFile: "again",
  flag: "again",
  kick: "again",
  ban: "again",
  mute: "again",
  sanctioned: "again",
  describe: "again",
  admits: "again",
  unread: "again",
  presence: "again",
  messages: "again",
  search: "again",
  message: "again",
  answerTo: "again",
  changes: "again",
  members: "again",
  reactions: "again",
  readPositions: "again",
  // Its first page is written down.
  exportPage: (_, actor) => actor === null,
  userPage: "again",
  // A second one would find the first under way.
  beginImport: "once",
  takeRows: "again",
  // A second one would be told that it is over.
  endImport: "once",
  giveUpImport: "again",
  retain: "again",
  erase: "again",
  replay: "again",
  forget: "again",
  heed: "again",
  levels: "again",
  dissolve: "again",
  closeAll: "again",
};

const tenantCalls: Repeats<Methods<Tenant, DurableObject>> = {
  // A second one would be told that the id is taken; of what is removed, that there is no such thing.
  create: "once",
  setSuspended: "again",
  ban: "again",
  bans: "again",
  bansOf: "again",
  noteHookSecret: "again",
  erase: "again",
  erasure: "again",
  // It is written down.
  noteImport: "once",
  // Its first page is written down.
  exportPage: (_, __, actor) => actor === null,
  flag: "again",
  flags: "again",
  resolveFlag: "again",
  delete: "again",
  describe: "again",
  update: "again",
  keys: "again",
  hasKeysOf: "again",
  addKey: "once",
  removeKey: "once",
  issuers: "again",
  addIssuer: "once",
  removeIssuer: "once",
  rooms: "again",
  audit: "again",
  recordDeeds: "again",
  usage: "again",
  metrics: "again",
  policy: "again",
  revoke: "again",
  revocations: "again",
  revocationsOf: "again",
  registerRoom: "again",
  forgetRoom: "again",
  // What a room gives back would be counted twice.
  account: "once",
  limits: "again",
  webhooks: "again",
  webhook: "again",
  addWebhook: "once",
  updateWebhook: "again",
  // A second one would rotate away the secret that the first one has made.
  rotateWebhook: "once",
  removeWebhook: "once",
  disableWebhook: "again",
  webhookTarget: "again",
  noteWebhook: "once",
  assistants: "again",
  assistant: "again",
  saveAssistant: "again",
  engagement: "again",
  // A second one would be told that there is none.
  removeAssistant: "once",
  // Its id tells a second one from the first.
  reserveUpload: "again",
  openUpload: "again",
  tryUpload: "again",
  // It would count twice.
  noteVain: "once",
  uploadStanding: "again",
  giveUpUpload: "again",
  beginParts: "again",
  addPart: "again",
  confirmUpload: "again",
  releaseUploads: "again",
  // It opens one stream: whose answer was lost asks for another.
  useTicket: "once",
};

const webhookCalls: Repeats<Methods<WebhookEndpoint, DurableObject>> = {
  // By its id an event is known again.
  accept: "again",
  replay: "again",
  heed: "again",
  erase: "again",
  dissolve: "again",
  waiting: "again",
  deliveries: "again",
  delivery: "again",
  deliveryDetails: "again",
  retry: "again",
  // Who waits for what the receiver says would be told what it said to another one.
  probe: "once",
};

const assistantCalls: Repeats<Methods<Assistant, DurableObject>> = {
  // By its message a question is known again.
  ask: "again",
};

const directoryCalls: Repeats<Methods<Directory, DurableObject>> = {
  reserve: "again",
  confirm: "again",
  has: "again",
  bury: "again",
  tenants: "again",
};

/** What an object offers beside what the platform and its base class ask of it. */
type Methods<Object, Base> = Omit<Object, keyof Base>;

/**
 * An object as its callers see it: each method answers a promise of what it returns. The platform's own stub type turns an
 * answer that holds `unknown` (a message's `data`) into `never`, and everything here is plain data that arrives as it left.
 */
type Remote<Named> = {
  readonly [Name in keyof Named]: Named[Name] extends (...args: infer Given) => infer Answer
    ? (...args: Given) => Promise<Awaited<Answer>>
    : never;
};

type AnyMethod = (...given: unknown[]) => Promise<unknown>;
type Find = () => object;

/**
 * Of each kind of object one class of callers, made once: a caller is made for every request. One whose object was lost never
 * finds it again, so each attempt takes a stub of its own.
 */
function callers(repeats: object): new (find: Find) => object {
  class Caller {
    readonly find: Find;

    constructor(find: Find) {
      this.find = find;
    }
  }
  for (const [name, repeat] of Object.entries(repeats)) {
    const call = function call(this: Caller, ...given: unknown[]): Promise<unknown> {
      const isRepeatable = typeof repeat === "function" ? repeat(...given) === true : repeat === "again";
      return attempt(() => (this.find() as Record<string, AnyMethod>)[name]!(...given), isRepeatable);
    };
    Object.defineProperty(Caller.prototype, name, { value: call });
  }
  return Caller;
}

const RoomCaller = callers({ ...roomCalls, fetch: "again" });
const TenantCaller = callers(tenantCalls);
const WebhookCaller = callers(webhookCalls);
const AssistantCaller = callers(assistantCalls);
const DirectoryCaller = callers(directoryCalls);
