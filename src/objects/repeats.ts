/** Which calls of an object are made again when they were lost. A method that is not named here does not compile. */
import type { DurableObject } from "cloudflare:workers";
import type { Server } from "partyserver";
import type { Assistant } from "./assistant/assistant.ts";
import type { Directory } from "./directory/directory.ts";
import type { Room } from "./room/room.ts";
import type { Tenant } from "./tenant/tenant.ts";
import type { WebhookEndpoint } from "./webhook/webhookEndpoint.ts";

/** What an object offers beside what the platform and its base class ask of it. */
export type Methods<Object, Base> = Omit<Object, keyof Base>;

/**
 * Whether a call is made again when it was lost and nobody knows whether it was carried out:
 * - `again`: twice leaves the object as once does.
 * - `once`: twice may be one too many.
 * - a function of what is asked, where that decides.
 */
type Repeat<Method> = Method extends (...args: infer Given) => unknown
  ? "again" | "once" | ((...args: Given) => boolean)
  : never;

type Repeats<Named> = { readonly [Name in keyof Named]: Repeat<Named[Name]> };

export const roomCalls: Repeats<Methods<Room, Server>> = {
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

export const tenantCalls: Repeats<Methods<Tenant, DurableObject>> = {
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

export const webhookCalls: Repeats<Methods<WebhookEndpoint, DurableObject>> = {
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

export const assistantCalls: Repeats<Methods<Assistant, DurableObject>> = {
  // By its message a question is known again.
  ask: "again",
};

export const directoryCalls: Repeats<Methods<Directory, DurableObject>> = {
  reserve: "again",
  confirm: "again",
  has: "again",
  bury: "again",
  tenants: "again",
};
