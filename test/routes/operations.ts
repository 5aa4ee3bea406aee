/** Every operation of /openapi.json: who may call it, with what, and what it answers. A route without a row fails a test. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { env } from "cloudflare:workers";
import { nanoid } from "nanoid";
import * as z from "zod";
import { webhookStub } from "../../src/objects/stubs.ts";
import { type AuditAction, AuditPage } from "../../src/protocol/audit.ts";
import { BatchAnswer, BroadcastAnswer } from "../../src/protocol/batch.ts";
import type { RoomCapability } from "../../src/protocol/capabilities.ts";
import {
  AppendAnswer,
  ChangesAnswer,
  CreatedKey,
  CreatedTicket,
  CreatedToken,
  CreatedWebhook,
  IssuerListing,
  Flag,
  FlagReceipt,
  HookSecret,
  Imported,
  ImportedTenant,
  Key,
  LimitsAnswer,
  MembersPage,
  MessageAnswer,
  PinsPage,
  PresenceAnswer,
  Reaction,
  ReadPosition,
  ReplayAnswer,
  Revision,
  Revocation,
  RoomInfo,
  RoomListing,
  Sanctioned,
  TenantBan,
  TenantProfile,
  UnreadAnswer,
  WebhookDetails,
} from "../../src/protocol/http.ts";
import { Assistant } from "../../src/protocol/assistant.ts";
import { Erasure } from "../../src/protocol/erasure.ts";
import { exportType, exportVersion } from "../../src/protocol/export.ts";
import { defaultRoomSettings, Member, Message } from "../../src/protocol/message.ts";
import { TenantId } from "../../src/protocol/names.ts";
import { SearchAnswer } from "../../src/protocol/search.ts";
import { Page } from "../../src/protocol/serverFrames.ts";
import { PartAnswer, ReadyUpload, UploadAnswer, UploadWay } from "../../src/protocol/upload.ts";
import { UsagePage } from "../../src/protocol/usage.ts";
import { Delivery, DeliveryDetails, TestResult, WebhookEndpoint } from "../../src/protocol/webhook.ts";
import { type Call, everything, operatorKey, type TestTenant } from "../support/api.ts";
import { asOperator, call, newTenant, newToken } from "./edge.ts";

/** Who is let in: the operator, an API key with `admin`, an API key, one with `publish`, any credential, whoever has the capability, or everyone. */
export type Plane = "operator" | "admin" | "key" | "publishing key" | "client" | RoomCapability | "everyone";

type ParamName =
  | "tenant"
  | "room"
  | "id"
  | "user"
  | "emoji"
  | "key"
  | "issuer"
  | "flag"
  | "webhook"
  | "delivery"
  | "assistant"
  | "upload"
  | "part"
  | "erasure";
export type Names = Readonly<Record<ParamName, string>>;

export interface Operation {
  readonly name: `${Uppercase<string>} /${string}`;
  readonly plane: Plane;
  /** What else it takes, beside what its plane says. */
  readonly also?: readonly RoomCapability[];
  /** A capability that lets in as well. */
  readonly or?: RoomCapability;
  /** A body that is accepted. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** One that is no JSON, as its content type says. */
  readonly lines?: string;
  /** Upon what it is called, where that is not what all are called upon. */
  readonly names?: Partial<Names>;
  /** What it did cannot be done again. */
  readonly once?: true;
  /** A body of plain bytes. */
  readonly bytes?: string;
  /** It is called upon a message that is being streamed; one is begun for each call. */
  readonly streams?: true;
  /** How the upload stands that it is called upon; one is made for each call. */
  readonly upload?: UploadState;
  /** What is answered to a credential that may not: where it must not learn that there is such a thing, 404. */
  readonly denied?: 404;
  /** Of its answer, where it is kept by readers. */
  readonly cacheControl?: string;
  /** Without which it cannot be called, as `name=value`. It may hold a parameter, as a path does. */
  readonly needs?: string;
  /** Query parameters that are declared, each with values that are refused. */
  readonly query?: Readonly<Record<string, readonly string[]>>;
  /** Its 200 is no JSON but a text of this type. */
  readonly contentType?: string;
  /** Its 200 is a stream of events, which has no end. */
  readonly stream?: true;
  /** What it answers to `body` on a world as `newWorld` makes it; null where there is no body, or no end of it. */
  readonly answers: Readonly<Record<number, z.ZodType | null>>;
  /** The status of the first call. */
  readonly first: number;
  /**
   * The entry that it leaves in the audit log; null for one that leaves none. Who administers or moderates by an operation
   * must find it there, so each of these says it.
   */
  readonly audits?: AuditAction | null;
  /** The operation after which it changes something. */
  readonly undoes?: Operation["name"];
  /** Parameters of which an unknown one is 404. For the others any valid name is as good. */
  readonly known?: readonly ParamName[];
}

/** What opens the model of the world's assistant. */
export const assistantKey = "sk-test-0123456789abcdefghijklmnopqrstuvwxyz";
/** The message of the world's room that its tenant's server has said, and not `ada`. */
const notAdas = "4";
const sha256OfHello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const operatorTenant = { 200: TenantProfile };
const newKey = { 201: z.object({ key: CreatedKey }) };
const pageQuery = { limit: ["0", "-1", "x", "1.5", "1e2", ""], after: ["-1", "x", "1.5"] };
const messageQuery = { ...pageQuery, before: ["-1", "x"], around: ["x", "0x1"], replyTo: ["x"], mentions: ["", "a b"] };
const listQuery = { limit: pageQuery.limit, after: ["x".repeat(257)] };
const streamQuery = { backlog: ["201", "-1", "x", ""], presence: ["all", "FULL", ""], ticket: [] };
const usageQuery = {
  limit: pageQuery.limit,
  from: ["-1", "x", "1.5", ""],
  to: ["-1", "x", "1e3"],
  by: ["week", "", "HOUR"],
};
const badRooms = ["", ",", "a,", "a,a", "a b", "a,-b", "a%2Cb"];
const named = (count: number): string => Array.from({ length: count }, (_, index) => `room-${index}`).join(",");

const exportText = (kind: string): z.ZodString =>
  z
    .string()
    .regex(new RegExp(`^{"type":"export","version":1,"kind":"${kind}".*\\n{"type":"end","kind":"${kind}".*}\\n$`, "s"));
const emptyRoom = `${JSON.stringify({
  type: "room",
  head: 0,
  seq: 0,
  oldest: 1,
  floor: 0,
  settings: defaultRoomSettings,
  createdAt: 1,
})}\n`;
const hashOfEmpty = bytesToHex(sha256(new TextEncoder().encode(emptyRoom)));
const emptyExport = [
  JSON.stringify({ type: "export", version: exportVersion, kind: "room", tenant: "from", room: "where", at: 1 }),
  `\n${emptyRoom}`,
  JSON.stringify({ type: "end", kind: "room", counts: { room: 1 }, hash: hashOfEmpty }),
].join("");

const emptyTenant = [
  JSON.stringify({ type: "export", version: exportVersion, kind: "tenant", tenant: "from", at: 1 }),
  JSON.stringify({ type: "end", kind: "tenant", counts: {}, hash: bytesToHex(sha256(new Uint8Array())) }),
].join("\n");

export const operations: readonly Operation[] = [
  {
    name: "GET /health",
    plane: "everyone",
    answers: { 200: z.object({ ok: z.literal(true), version: z.string() }) },
    first: 200,
  },

  {
    name: "POST /v1/tenants",
    plane: "operator",
    audits: "tenant.created",
    body: { name: "Another", settings: { autoCreate: true }, limits: { pageSize: 10 } },
    answers: { 201: z.object({ tenant: TenantProfile, key: CreatedKey }) },
    first: 201,
  },
  {
    name: "GET /v1/tenants",
    plane: "operator",
    query: { ...listQuery, prefix: ["x".repeat(41)], keyVersion: ["0", "01", "-1", "x", "1.5", "10000", ""] },
    answers: { 200: z.object({ items: z.array(z.object({ id: TenantId })), next: z.string().optional() }) },
    first: 200,
  },
  { name: "GET /v1/tenants/{tenant}", plane: "operator", answers: operatorTenant, first: 200, known: ["tenant"] },
  {
    name: "PATCH /v1/tenants/{tenant}",
    plane: "operator",
    audits: "tenant.updated",
    body: { name: "Renamed", settings: { origins: ["https://app.test"] }, limits: { pageSize: 7 } },
    answers: operatorTenant,
    first: 200,
    known: ["tenant"],
  },
  {
    name: "DELETE /v1/tenants/{tenant}",
    plane: "operator",
    audits: "tenant.deleted",
    answers: { 202: TenantProfile },
    first: 202,
    known: ["tenant"],
  },
  {
    name: "GET /v1/tenants/{tenant}/usage",
    plane: "operator",
    query: usageQuery,
    answers: { 200: UsagePage },
    first: 200,
    known: ["tenant"],
  },
  {
    name: "POST /v1/tenants/{tenant}/suspend",
    plane: "operator",
    audits: "tenant.suspended",
    answers: operatorTenant,
    first: 200,
    known: ["tenant"],
  },
  {
    name: "POST /v1/tenants/{tenant}/resume",
    plane: "operator",
    audits: "tenant.resumed",
    undoes: "POST /v1/tenants/{tenant}/suspend",
    answers: operatorTenant,
    first: 200,
    known: ["tenant"],
  },
  {
    name: "POST /v1/tenants/{tenant}/keys",
    plane: "operator",
    audits: "key.created",
    body: { name: "spare", capabilities: ["read", "admin"] },
    answers: newKey,
    first: 201,
    known: ["tenant"],
  },

  {
    name: "POST /v1/tenants/{tenant}/export",
    plane: "operator",
    audits: "tenant.exported",
    contentType: exportType,
    answers: { 200: exportText("tenant") },
    first: 200,
    known: ["tenant"],
  },
  {
    name: "POST /v1/tenants/{tenant}/import",
    plane: "operator",
    audits: "tenant.imported",
    lines: emptyTenant,
    answers: { 200: ImportedTenant },
    first: 200,
    known: ["tenant"],
  },

  { name: "GET /v1/tenant", plane: "admin", answers: { 200: TenantProfile }, first: 200 },
  {
    name: "PATCH /v1/tenant",
    plane: "admin",
    audits: "tenant.updated",
    body: { name: "Renamed", settings: { origins: ["*"] } },
    answers: { 200: TenantProfile },
    first: 200,
  },
  { name: "GET /v1/keys", plane: "admin", answers: { 200: z.object({ items: z.array(Key) }) }, first: 200 },
  {
    name: "POST /v1/keys",
    plane: "admin",
    audits: "key.created",
    body: { name: "spare", capabilities: ["read"] },
    answers: newKey,
    first: 201,
  },
  {
    name: "GET /v1/audit",
    plane: "admin",
    query: {
      limit: pageQuery.limit,
      after: pageQuery.after,
      order: ["", "desc"],
      action: ["", "key", "key.made"],
      actor: ["", "x".repeat(129)],
      target: ["", "x".repeat(129)],
      from: ["-1", "x", "1.5"],
      to: ["-1", "x", ""],
    },
    answers: { 200: AuditPage },
    first: 200,
  },
  { name: "GET /v1/usage", plane: "admin", query: usageQuery, answers: { 200: UsagePage }, first: 200 },
  {
    name: "GET /v1/metrics",
    plane: "admin",
    contentType: "text/plain; version=0.0.4; charset=utf-8",
    answers: { 200: z.string().regex(/^# HELP /) },
    first: 200,
  },
  {
    name: "POST /v1/revocations",
    plane: "admin",
    audits: "revocation.created",
    body: { user: "mo", issuedBefore: 1, reason: "left" },
    answers: { 201: z.object({ revocation: Revocation }) },
    first: 201,
  },
  {
    name: "GET /v1/revocations",
    plane: "admin",
    query: pageQuery,
    answers: { 200: z.object({ items: z.array(Revocation), next: z.string().optional() }) },
    first: 200,
  },
  {
    name: "DELETE /v1/keys/{key}",
    plane: "admin",
    audits: "key.removed",
    answers: { 204: null },
    first: 204,
    known: ["key"],
  },
  {
    name: "POST /v1/tokens",
    plane: "key",
    body: { user: "ada", name: "Ada", rooms: { "team:*": ["read"] }, expiresInSeconds: 60 },
    answers: { 201: CreatedToken },
    first: 201,
  },
  {
    name: "GET /v1/issuers",
    plane: "admin",
    answers: { 200: z.object({ items: z.array(IssuerListing) }) },
    first: 200,
  },
  {
    name: "POST /v1/issuers",
    plane: "admin",
    audits: "issuer.created",
    body: {
      name: "Another",
      issuer: "https://another.example.com/",
      jwksUrl: "https://another.example.com/jwks",
      algorithms: ["ES256"],
      rooms: { "team:*": ["read"] },
      capabilities: ["read", "publish"],
    },
    answers: { 201: IssuerListing },
    first: 201,
  },
  {
    name: "GET /v1/webhooks",
    plane: "admin",
    answers: { 200: z.object({ items: z.array(WebhookEndpoint) }) },
    first: 200,
  },
  {
    name: "POST /v1/webhooks",
    plane: "admin",
    audits: "webhook.created",
    body: {
      url: "https://hooks.example.com/parley",
      events: ["message.*", "room.vacated"],
      rooms: ["team:*"],
      description: "The archive",
      isEnabled: true,
      batch: { maxEvents: 100, waitMs: 100 },
    },
    answers: { 201: CreatedWebhook },
    first: 201,
  },
  {
    name: "GET /v1/webhooks/{webhook}",
    plane: "admin",
    answers: { 200: WebhookDetails },
    first: 200,
    known: ["webhook"],
  },
  {
    name: "PATCH /v1/webhooks/{webhook}",
    plane: "admin",
    audits: "webhook.updated",
    body: { url: "https://hooks.example.com/other", events: ["*"], rooms: null, description: null, batch: null },
    answers: { 200: WebhookEndpoint },
    first: 200,
    known: ["webhook"],
  },
  {
    name: "POST /v1/webhooks/{webhook}/test",
    plane: "admin",
    audits: null,
    answers: { 200: TestResult },
    first: 200,
    known: ["webhook"],
  },
  {
    name: "POST /v1/webhooks/{webhook}/rotate-secret",
    plane: "admin",
    audits: "webhook.secret_rotated",
    answers: { 200: CreatedWebhook },
    first: 200,
    known: ["webhook"],
  },
  {
    name: "GET /v1/webhooks/{webhook}/deliveries",
    plane: "admin",
    query: { ...pageQuery, state: ["", "lost", "PENDING"] },
    answers: { 200: z.object({ items: z.array(Delivery), next: z.string().optional() }) },
    first: 200,
    known: ["webhook"],
  },
  {
    name: "GET /v1/webhooks/{webhook}/deliveries/{delivery}",
    plane: "admin",
    answers: { 200: DeliveryDetails },
    first: 200,
    known: ["webhook", "delivery"],
  },
  {
    name: "POST /v1/webhooks/{webhook}/deliveries/{delivery}/retry",
    plane: "admin",
    audits: "webhook.delivery_retried",
    answers: { 202: Delivery },
    first: 202,
    known: ["webhook", "delivery"],
  },
  {
    name: "POST /v1/webhooks/{webhook}/replay",
    plane: "admin",
    audits: "webhook.replayed",
    body: { room: "team:lobby", from: 1, to: 1_000 },
    answers: { 202: ReplayAnswer },
    first: 202,
    known: ["webhook"],
  },
  {
    name: "DELETE /v1/webhooks/{webhook}",
    plane: "admin",
    audits: "webhook.removed",
    answers: { 204: null },
    first: 204,
    known: ["webhook"],
  },
  {
    name: "GET /v1/assistants",
    plane: "admin",
    answers: { 200: z.object({ items: z.array(Assistant) }) },
    first: 200,
  },
  {
    name: "GET /v1/assistants/{assistant}",
    plane: "admin",
    answers: { 200: Assistant },
    first: 200,
    known: ["assistant"],
  },
  {
    name: "PUT /v1/assistants/{assistant}",
    plane: "admin",
    audits: "assistant.updated",
    body: {
      name: "The helper",
      url: "https://models.example.com/v1",
      model: "large-1",
      prompt: "Be brief.",
      answers: "command",
      prefix: "/ask",
      history: 10,
      maxTokens: 1_000,
      key: assistantKey,
    },
    answers: { 200: Assistant, 201: Assistant },
    first: 200,
  },
  {
    name: "DELETE /v1/assistants/{assistant}",
    plane: "admin",
    audits: "assistant.removed",
    answers: { 204: null },
    first: 204,
    known: ["assistant"],
  },
  {
    name: "DELETE /v1/issuers/{issuer}",
    plane: "admin",
    audits: "issuer.removed",
    answers: { 204: null },
    first: 204,
    known: ["issuer"],
  },
  {
    name: "POST /v1/hook/secret",
    plane: "admin",
    audits: "hook.secret_shown",
    answers: { 200: HookSecret },
    first: 200,
  },
  {
    name: "GET /v1/rooms",
    plane: "admin",
    query: { ...listQuery, prefix: ["x".repeat(129)] },
    answers: { 200: z.object({ items: z.array(RoomListing), next: z.string().optional() }) },
    first: 200,
  },

  {
    name: "PUT /v1/rooms/{room}",
    plane: "manage",
    audits: "room.created",
    undoes: "DELETE /v1/rooms/{room}",
    body: { settings: { frozen: false } },
    answers: { 200: RoomInfo, 201: RoomInfo },
    first: 200,
  },
  { name: "GET /v1/rooms/{room}", plane: "read", answers: { 200: RoomInfo }, first: 200, known: ["room"] },
  {
    name: "PATCH /v1/rooms/{room}",
    plane: "manage",
    audits: "room.updated",
    body: { settings: { frozen: true } },
    answers: { 200: RoomInfo },
    first: 200,
    known: ["room"],
  },
  {
    name: "DELETE /v1/rooms/{room}",
    plane: "manage",
    audits: "room.deleted",
    answers: { 204: null },
    first: 204,
    known: ["room"],
  },
  {
    name: "GET /v1/rooms/{room}/export",
    plane: "admin",
    contentType: exportType,
    answers: { 200: exportText("room") },
    first: 200,
    known: ["room"],
  },
  {
    name: "POST /v1/rooms/{room}/import",
    plane: "admin",
    audits: "room.imported",
    lines: emptyExport,
    names: { room: "team:empty" },
    once: true,
    answers: { 201: Imported },
    first: 201,
    known: ["room"],
  },
  {
    name: "GET /v1/rooms/{room}/changes",
    plane: "read",
    query: { after: ["x", "1", "abcdefgh:-1", "abcdefgh:01"], wait: ["31", "-1", "x", "1.5", "1e1", ""] },
    answers: { 200: ChangesAnswer },
    first: 200,
    known: ["room"],
  },
  {
    name: "GET /v1/rooms/{room}/presence",
    plane: "presence",
    query: { limit: pageQuery.limit, after: ["a b", "a/b", "", "x".repeat(129)] },
    answers: { 200: PresenceAnswer },
    first: 200,
    known: ["room"],
  },
  {
    name: "GET /v1/unread",
    plane: "client",
    needs: "rooms=team:lobby",
    query: { rooms: [...badRooms, named(101)] },
    answers: { 200: UnreadAnswer },
    first: 200,
  },
  {
    name: "GET /v1/limits",
    plane: "client",
    query: { room: ["", "a b", "-a", "a,b"] },
    answers: { 200: LimitsAnswer },
    first: 200,
  },
  {
    name: "GET /v1/rooms/{room}/members",
    plane: "read",
    query: listQuery,
    answers: { 200: MembersPage },
    first: 200,
    known: ["room"],
  },
  {
    name: "PUT /v1/rooms/{room}/members/{user}",
    plane: "manage",
    audits: "room.member_set",
    body: { role: "moderator", name: "Mo" },
    answers: { 200: Member },
    first: 200,
    known: ["room"],
  },
  {
    name: "DELETE /v1/rooms/{room}/members/{user}",
    plane: "manage",
    audits: "room.member_removed",
    answers: { 204: null },
    first: 204,
    known: ["room", "user"],
  },
  {
    name: "POST /v1/rooms/{room}/kicks",
    plane: "moderate",
    audits: "room.user_kicked",
    body: { user: "mo", reason: "loud" },
    answers: { 204: null },
    first: 204,
    known: ["room"],
  },
  {
    name: "GET /v1/rooms/{room}/bans",
    plane: "moderate",
    query: listQuery,
    answers: { 200: z.object({ items: z.array(Sanctioned), next: z.string().optional() }) },
    first: 200,
    known: ["room"],
  },
  {
    name: "PUT /v1/rooms/{room}/bans/{user}",
    plane: "moderate",
    audits: "room.user_banned",
    body: { until: 4_102_444_800_000, reason: "spam", shadow: true },
    answers: { 204: null },
    first: 204,
    known: ["room"],
  },
  {
    name: "DELETE /v1/rooms/{room}/bans/{user}",
    plane: "moderate",
    audits: "room.user_unbanned",
    undoes: "PUT /v1/rooms/{room}/bans/{user}",
    answers: { 204: null },
    first: 204,
    known: ["room"],
  },
  {
    name: "PUT /v1/rooms/{room}/mutes/{user}",
    plane: "moderate",
    audits: "room.user_muted",
    body: { until: 1, reason: "loud" },
    answers: { 204: null },
    first: 204,
    known: ["room"],
  },
  {
    name: "DELETE /v1/rooms/{room}/mutes/{user}",
    plane: "moderate",
    audits: "room.user_unmuted",
    undoes: "PUT /v1/rooms/{room}/mutes/{user}",
    answers: { 204: null },
    first: 204,
    known: ["room"],
  },
  {
    name: "PUT /v1/rooms/{room}/read",
    plane: "read",
    body: { upTo: 1 },
    answers: { 204: null },
    first: 204,
    known: ["room"],
  },
  {
    name: "GET /v1/rooms/{room}/read",
    plane: "read",
    answers: { 200: z.object({ items: z.array(ReadPosition) }) },
    first: 200,
    known: ["room"],
  },

  {
    name: "POST /v1/rooms/{room}/messages",
    plane: "publish",
    body: { text: "hi", data: { a: [1, null] }, mentions: ["mo"], replyTo: 1, expiresInMs: 60_000 },
    answers: { 200: MessageAnswer, 201: MessageAnswer },
    first: 201,
    known: ["room"],
  },
  {
    name: "POST /v1/broadcasts",
    plane: "publishing key",
    body: { rooms: ["team:lobby"], message: { text: "all", data: { a: [1, null] }, expiresInMs: 60_000 } },
    answers: { 200: BroadcastAnswer },
    first: 200,
  },
  {
    name: "POST /v1/rooms/{room}/messages:batch",
    plane: "publish",
    body: {
      messages: [
        { text: "one", nonce: "batch-nonce" },
        { data: { a: [1, null] }, replyTo: 1 },
      ],
    },
    answers: { 200: BatchAnswer, 201: BatchAnswer },
    first: 201,
    known: ["room"],
  },
  {
    name: "GET /v1/rooms/{room}/messages",
    plane: "read",
    query: messageQuery,
    answers: { 200: Page },
    first: 200,
    known: ["room"],
  },
  {
    name: "GET /v1/rooms/{room}/search",
    plane: "read",
    needs: "q=first",
    query: {
      q: ["", "x".repeat(257), '"open', "a*", "-only", "wo*rd", '"a b"*', "!?"],
      from: ["", "a b", "x".repeat(129)],
      after: pageQuery.after,
      before: messageQuery.before,
      limit: pageQuery.limit,
      order: ["", "oldest", "NEWEST"],
      next: ["", "x", "-1", "1_2", "1_0_1", "1_2_x", "1_2_1e5"],
    },
    answers: { 200: SearchAnswer },
    first: 200,
    known: ["room"],
  },
  {
    name: "POST /v1/rooms/{room}/messages/{id}/flags",
    plane: "read",
    body: { reason: "rude" },
    answers: { 200: FlagReceipt, 201: FlagReceipt },
    first: 201,
    known: ["room", "id"],
  },
  {
    name: "GET /v1/users/{user}/export",
    plane: "admin",
    contentType: exportType,
    answers: { 200: exportText("user") },
    first: 200,
  },
  {
    name: "DELETE /v1/users/{user}",
    plane: "admin",
    audits: "user.erased",
    query: { messages: ["", "all", "KEEP"] },
    answers: { 202: Erasure },
    first: 202,
  },
  { name: "GET /v1/erasures/{erasure}", plane: "admin", answers: { 200: Erasure }, first: 200, known: ["erasure"] },
  {
    name: "GET /v1/bans",
    plane: "admin",
    query: listQuery,
    answers: { 200: z.object({ items: z.array(TenantBan), next: z.string().optional() }) },
    first: 200,
  },
  {
    name: "PUT /v1/bans/{user}",
    plane: "admin",
    audits: "user.banned",
    body: { until: 4_102_444_800_000, reason: "spam", shadow: true },
    answers: { 204: null },
    first: 204,
  },
  {
    name: "DELETE /v1/bans/{user}",
    plane: "admin",
    audits: "user.unbanned",
    undoes: "PUT /v1/bans/{user}",
    answers: { 204: null },
    first: 204,
  },
  {
    name: "GET /v1/flags",
    plane: "admin",
    query: { limit: pageQuery.limit, after: pageQuery.after, state: ["closed", ""], room: ["a b", ""] },
    answers: { 200: z.object({ items: z.array(Flag), next: z.string().optional() }) },
    first: 200,
  },
  {
    name: "PATCH /v1/flags/{flag}",
    plane: "admin",
    audits: "flag.resolved",
    body: { state: "resolved", note: "warned" },
    answers: { 200: Flag },
    first: 200,
    known: ["flag"],
  },
  {
    name: "POST /v1/rooms/{room}/uploads",
    plane: "upload",
    body: { name: "notes.txt", type: "text/plain", size: 5, sha256: sha256OfHello, inParts: false },
    answers: { 201: UploadWay },
    first: 201,
    known: ["room"],
  },
  {
    name: "GET /v1/uploads/{upload}",
    plane: "read",
    upload: "ready",
    denied: 404,
    answers: { 200: UploadAnswer },
    first: 200,
    known: ["upload"],
  },
  {
    name: "DELETE /v1/uploads/{upload}",
    plane: "upload",
    upload: "whole",
    answers: { 204: null },
    first: 204,
    known: ["upload"],
  },
  {
    name: "GET /v1/uploads/{upload}/content",
    plane: "read",
    upload: "ready",
    denied: 404,
    contentType: "application/octet-stream",
    cacheControl: "private, no-cache",
    answers: { 200: z.literal("hello"), 206: null, 304: null },
    first: 200,
    known: ["upload"],
  },
  {
    name: "PUT /v1/uploads/{upload}/content",
    plane: "upload",
    upload: "whole",
    bytes: "hello",
    answers: { 200: ReadyUpload },
    first: 200,
    known: ["upload"],
  },
  {
    name: "PUT /v1/uploads/{upload}/parts/{part}",
    plane: "upload",
    upload: "in parts",
    bytes: "hello",
    answers: { 200: PartAnswer },
    first: 200,
    known: ["upload"],
  },
  {
    name: "POST /v1/uploads/{upload}/complete",
    plane: "upload",
    upload: "all parts",
    answers: { 200: ReadyUpload },
    first: 200,
    known: ["upload"],
  },
  {
    name: "POST /v1/rooms/{room}/messages/{id}/append",
    plane: "stream",
    streams: true,
    body: { at: 5, text: " there" },
    answers: { 200: AppendAnswer },
    first: 200,
    known: ["room", "id"],
  },
  {
    name: "POST /v1/rooms/{room}/messages/{id}/finish",
    plane: "stream",
    streams: true,
    body: { status: "sent", text: "hello there", at: 5 },
    answers: { 200: MessageAnswer },
    first: 200,
    known: ["room", "id"],
  },
  {
    name: "POST /v1/rooms/{room}/messages/{id}/cancel",
    plane: "stream",
    or: "moderate",
    streams: true,
    body: { reason: "enough" },
    answers: { 200: MessageAnswer },
    first: 200,
    known: ["room", "id"],
  },
  {
    name: "GET /v1/rooms/{room}/messages/{id}/stream",
    plane: "read",
    query: { ticket: [], backlog: ["1"] },
    stream: true,
    answers: { 200: null, 204: null },
    first: 200,
    known: ["room", "id"],
  },
  {
    name: "GET /v1/rooms/{room}/messages/{id}",
    plane: "read",
    answers: { 200: z.object({ message: Message, cursor: z.string() }) },
    first: 200,
    known: ["room", "id"],
  },
  {
    name: "PATCH /v1/rooms/{room}/messages/{id}",
    plane: "edit:own",
    body: { text: "edited", data: null, ifVersion: 1 },
    answers: { 200: MessageAnswer },
    first: 200,
    known: ["room", "id"],
  },
  {
    name: "DELETE /v1/rooms/{room}/messages/{id}",
    plane: "delete:own",
    query: { redact: ["yes", "1", ""] },
    answers: { 200: MessageAnswer },
    first: 200,
    known: ["room", "id"],
  },
  {
    name: "PUT /v1/rooms/{room}/messages/{id}/reactions/{emoji}",
    plane: "react",
    answers: { 200: MessageAnswer },
    first: 200,
    known: ["room", "id"],
  },
  {
    name: "DELETE /v1/rooms/{room}/messages/{id}/reactions/{emoji}",
    plane: "react",
    answers: { 200: MessageAnswer },
    first: 200,
    known: ["room", "id"],
  },
  {
    name: "GET /v1/rooms/{room}/messages/{id}/reactions",
    plane: "read",
    answers: { 200: z.object({ items: z.array(Reaction) }) },
    first: 200,
    known: ["room", "id"],
  },
  {
    name: "PUT /v1/rooms/{room}/messages/{id}/pin",
    plane: "moderate",
    audits: "message.pinned",
    answers: { 200: MessageAnswer },
    first: 200,
    known: ["room", "id"],
  },
  {
    name: "DELETE /v1/rooms/{room}/messages/{id}/pin",
    plane: "moderate",
    audits: "message.unpinned",
    undoes: "PUT /v1/rooms/{room}/messages/{id}/pin",
    answers: { 200: MessageAnswer },
    first: 200,
    known: ["room", "id"],
  },
  {
    name: "GET /v1/rooms/{room}/messages/{id}/revisions",
    // Of what another has said: its author may, too.
    plane: "moderate",
    also: ["read"],
    names: { id: notAdas },
    query: pageQuery,
    answers: { 200: z.object({ items: z.array(Revision), next: z.string().optional() }) },
    first: 200,
    known: ["room", "id"],
  },
  {
    name: "GET /v1/rooms/{room}/pins",
    plane: "read",
    query: pageQuery,
    answers: { 200: PinsPage },
    first: 200,
    known: ["room"],
  },
  {
    name: "POST /v1/rooms/{room}/assistant",
    plane: "publish",
    also: ["read"],
    body: { text: "How late is it?", mentions: ["helper"], data: { x: 1 } },
    stream: true,
    answers: { 200: null, 204: null },
    first: 200,
    known: ["room"],
  },
  {
    name: "GET /v1/rooms/{room}/socket",
    plane: "read",
    query: { cursor: ["x", "1"], backlog: streamQuery.backlog, presence: streamQuery.presence },
    answers: { 101: null },
    first: 101,
    known: ["room"],
  },
  { name: "GET /v1/socket", plane: "client", query: {}, answers: { 101: null }, first: 101 },
  {
    name: "GET /v1/rooms/{room}/events",
    plane: "read",
    query: { ...streamQuery, cursor: ["x", "1", "", "abcdefgh:1,abcdefgh:1"] },
    stream: true,
    answers: { 200: null, 204: null },
    first: 200,
    known: ["room"],
  },
  {
    name: "GET /v1/events",
    plane: "read",
    needs: "rooms={room}",
    query: {
      ...streamQuery,
      rooms: [...badRooms, named(21)],
      cursor: ["x", "1", ",", "abcdefgh:1,", "abcdefgh:1,abcdefgh:1", "abcdefgh:01"],
    },
    stream: true,
    answers: { 200: null, 204: null },
    first: 200,
    known: ["room"],
  },
  {
    name: "POST /v1/tickets",
    plane: "read",
    body: { room: "team:lobby" },
    answers: { 201: CreatedTicket },
    first: 201,
  },
];

/** Everything that an operation may be called upon, made anew: a tenant with a room, a message, a member, a second key. */
export interface World {
  readonly tenant: TestTenant;
  readonly names: Names;
  /** Of the user `ada`, who may do everything in every room. */
  readonly token: string;
  /** Of the user `ada`, who may do nothing that any operation asks for. */
  readonly poorToken: string;
  /** An API key without `admin`. */
  readonly plainKey: string;
}

export async function newWorld(
  limits: Readonly<Record<string, number>> = {},
  settings: Readonly<Record<string, unknown>> = { autoCreate: false, search: true },
): Promise<World> {
  const tenant = await newTenant(limits, { assistant: "helper", ...settings });
  const [token, poorToken, spare, begun, empty, webhook] = await Promise.all([
    newToken(tenant, "ada", { "*": everything }),
    newToken(tenant, "ada", { "*": ["stream"] }),
    call("/v1/keys", { method: "POST", credential: tenant.key, body: { capabilities: ["read", "publish", "react"] } }),
    call("/v1/users/gone", { method: "DELETE", credential: tenant.key }),
    call("/v1/rooms/team:empty", { method: "PUT", credential: tenant.key, body: {} }),
    newWebhook(tenant),
    newAssistant(tenant),
  ]);
  if (!empty.ok) throw new Error(`no world: ${await empty.text()}`);
  const { id: erasure } = await begun.json<{ id: string }>();
  const { key } = await spare.json<{ key: { id: string; secret: string } }>();
  const room = "team:lobby";
  for (const [method, path, body, credential = token] of [
    ["PUT", "", {}],
    ["POST", "/messages", { text: "first" }],
    ["PUT", "/members/mo", { role: "member" }],
    ["PUT", "/messages/1/reactions/%F0%9F%91%8D", undefined],
    ["POST", "/messages", { text: "from the server" }, tenant.key],
  ] as const) {
    const made = await call(`/v1/rooms/${room}${path}`, { method, credential, body });
    if (!made.ok) throw new Error(`no world: ${await made.text()}`);
  }
  const flagging = { method: "POST", credential: tenant.key, user: "mo", body: {} };
  const flagged = await call(`/v1/rooms/${room}/messages/1/flags`, flagging);
  const { flag } = await flagged.json<{ flag: number }>();
  const provider = {
    issuer: "https://idp.example.com/",
    jwksUrl: "https://idp.example.com/jwks",
    algorithms: ["RS256"],
  };
  const registered = await call("/v1/issuers", { method: "POST", credential: tenant.key, body: provider });
  const { id: issuer } = await registered.json<{ id: string }>();
  const names = {
    tenant: tenant.id,
    room,
    id: "1",
    user: "mo",
    emoji: "👍",
    key: key.id,
    issuer,
    flag: String(flag),
    webhook,
    delivery: "1",
    assistant: "helper",
    upload: nanoid(),
    part: "1",
    erasure,
  };
  return { tenant, names, token, poorToken, plainKey: key.secret };
}

/** With an event that waits. It is disabled, so that nobody is called. */
async function newWebhook(tenant: TestTenant): Promise<string> {
  const body = { url: "https://hooks.example.com/", events: ["message.created"], isEnabled: false };
  const made = await call("/v1/webhooks", { method: "POST", credential: tenant.key, body });
  const { id } = (await made.json<{ webhook: { id: string } }>()).webhook;
  await letWait(tenant, id, "first");
  return id;
}

/** It answers those who ask it, that there is no model. */
export async function newAssistant(tenant: TestTenant, id = "helper"): Promise<void> {
  const body = { url: "https://models.example.com/v1", model: "small-1", key: assistantKey };
  await call(`/v1/assistants/${id}`, { method: "PUT", credential: tenant.key, body });
}

/** Another event, as its room or its tenant would hand it on. */
export async function letWait(tenant: TestTenant, webhook: string, event: string): Promise<void> {
  const about = { type: "message.created", atMs: 0, tenant: tenant.id, room: "team:lobby", data: {} };
  await webhookStub(env, tenant.id, webhook).accept([{ ...about, id: event }]);
}

/** Well-formed names that were never given to anything. */
export const unknownNames: Names = {
  tenant: "never-was",
  room: "never:was",
  id: "4711",
  user: "nobody",
  emoji: "🦤",
  key: "1kaaaaaaaaaaaa",
  issuer: "iaaaaaaaaaaaa",
  flag: "4711",
  webhook: "waaaaaaaaaaaa",
  delivery: "4711",
  assistant: "never-was",
  upload: "neverwasneverwasnever",
  part: "1",
  erasure: "a".repeat(21),
};

/** Names that are none. */
export const badNames: Readonly<Record<ParamName, readonly string[]>> = {
  tenant: ["A", "-a", "a", "a_b", "a".repeat(41), "é"],
  room: ["-a", "a b", "a/b", "ä", "_a", "r".repeat(129), "a\u0000", "__proto__"],
  id: ["0", "01", "-1", "1.0", "1e3", "x", "0x1", " 1", "1".repeat(17), "__proto__"],
  user: ["a b", "a/b", "__proto__", "u".repeat(129), "\u0000", "a\u200Bb", "a\u202Eb"],
  assistant: ["none", "a b", "a/b", "__proto__", "u".repeat(129), "\u0000"],
  emoji: [" ", "a b", "\u0007", "__proto__", "👍".repeat(9)],
  flag: ["0", "01", "-1", "1.0", "x", "1".repeat(17), "__proto__"],
  webhook: ["w", "wAAAAAAAAAAAA", "iaaaaaaaaaaaa", "waaaaaaaaaaaaa", "__proto__"],
  delivery: ["0", "01", "-1", "1.0", "x", "1".repeat(17), "__proto__"],
  upload: ["x", "a".repeat(20), "a".repeat(22), "../../../../../../../", "a b_c_d_e_f_g_h_i_j_k", "__proto__"],
  part: ["0", "01", "-1", "1.0", "x", "100000", "__proto__"],
  erasure: ["x", "a".repeat(20), "a".repeat(22), "__proto__", `${"a".repeat(20)}!`],
  issuer: ["i", "iAAAAAAAAAAAA", "1kaaaaaaaaaaaa", "iaaaaaaaaaaaaa", "__proto__"],
  key: ["1k", "k", "01kaaaaaaaaaaaa", "1kAAAAAAAAAAAA", "1kaaaaaaaaaaa1", "__proto__"],
};

export function methodOf({ name }: Operation): string {
  return name.slice(0, name.indexOf(" "));
}

export function templateOf({ name }: Operation): string {
  return name.slice(name.indexOf(" ") + 1);
}

export function paramsOf(operation: Operation): ParamName[] {
  const places = `${templateOf(operation)}?${operation.needs ?? ""}`;
  return [...places.matchAll(/\{(\w+)\}/g)].map(([, param]) => param as ParamName);
}

export function pathOf(operation: Operation, names: Names): string {
  return filled(templateOf(operation), names);
}

function filled(template: string, names: Names): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, param: ParamName) => encodeURIComponent(names[param]));
}

/** The query with what the operation cannot be called without, unless it is in it. */
function queryOf({ needs = "" }: Operation, names: Names, query: string): string {
  const [needed = ""] = needs.split("=");
  if (needed === "" || new URLSearchParams(query).has(needed)) return query;
  return `${query}${query === "" ? "?" : "&"}${filled(needs, names)}`;
}

export function isSocket(operation: Operation): boolean {
  return operation.answers[101] !== undefined;
}

/** Whether it opens a connection of a room's: it asks for `read` first, and makes a room as publishing does. */
export function joins(operation: Operation): boolean {
  const params = paramsOf(operation);
  return (
    methodOf(operation) === "GET" &&
    params.includes("room") &&
    !params.includes("id") &&
    (isSocket(operation) || operation.stream === true)
  );
}

/** A credential with which the operation is let in. */
export function credentialOf({ plane }: Operation, { tenant, token }: World): string | undefined {
  if (plane === "everyone") return undefined;
  if (plane === "operator") return operatorKey;
  return plane === "admin" || plane === "key" || plane === "publishing key" ? tenant.key : token;
}

/** Calls the operation as it is meant to be called, but for what is said otherwise. */
export async function perform(
  operation: Operation,
  world: World,
  {
    names: asked = { ...world.names, ...operation.names },
    query = "",
    ...options
  }: Call & { readonly names?: Names; readonly query?: string } = {},
): Promise<Response> {
  const { upload, bytes, lines, body = bytes ?? lines } = operation;
  const isMade = upload !== undefined && asked.upload === world.names.upload;
  const isBegun = operation.streams === true && asked.id === world.names.id;
  const names = {
    ...asked,
    ...(isMade ? { upload: await uploadIn(world, upload) } : {}),
    ...(isBegun ? { id: await streamIn(world) } : {}),
  };
  return call(`${pathOf(operation, names)}${queryOf(operation, names, query)}`, {
    method: methodOf(operation),
    credential: credentialOf(operation, world),
    ...(body === undefined ? {} : { body }),
    ...options,
    headers: {
      ...(isSocket(operation) ? { Upgrade: "websocket" } : {}),
      ...(lines === undefined ? {} : { "Content-Type": exportType }),
      ...(bytes === undefined ? {} : { "Content-Type": "application/octet-stream" }),
      ...options.headers,
    },
  });
}

const begun = new WeakMap<Names, string>();

/** One of the user `ada`, with the text `hello`: the same for as long as the world is. */
async function streamIn({ tenant, names }: World): Promise<string> {
  const known = begun.get(names);
  if (known !== undefined) return known;
  const body = { text: "hello", streaming: true };
  const options = { method: "POST", credential: tenant.key, user: "ada", body };
  const made = await call(`/v1/rooms/${names.room}/messages`, options);
  // Of a world that is suspended or whose room is gone there is none.
  if (made.status !== 201) return unknownNames.id;
  const id = String((await made.json<{ message: { id: number } }>()).message.id);
  begun.set(names, id);
  return id;
}

/** Announced to come whole or in one part, with that part, or complete and carried by a message. */
export type UploadState = "whole" | "in parts" | "all parts" | "ready";

/** Of the user `ada`, holding `hello`. */
export async function uploadIn({ tenant, names: { room } }: World, state: UploadState): Promise<string> {
  const asAda = { credential: tenant.key, user: "ada" };
  const put = { ...asAda, method: "PUT", body: "hello", headers: { "Content-Type": "application/octet-stream" } };
  const inParts = state === "in parts" || state === "all parts";
  const announced = { name: "hello.txt", type: "text/plain", size: 5, inParts };
  const made = await call(`/v1/rooms/${room}/uploads`, { ...asAda, method: "POST", body: announced });
  // Of a world that is suspended or whose room is gone there is none.
  if (made.status !== 201) return unknownNames.upload;
  const { upload } = await made.json<{ upload: string }>();
  if (state === "all parts") await call(`/v1/uploads/${upload}/parts/1`, put);
  if (state === "ready") {
    await call(`/v1/uploads/${upload}/content`, put);
    const body = { text: "see", attachments: [upload] };
    await call(`/v1/rooms/${room}/messages`, { ...asAda, method: "POST", body });
  }
  return upload;
}

/** Lets go of what was opened: a stream has no end of its own, and a socket stays. */
export async function release(response: Response): Promise<void> {
  response.webSocket?.accept();
  response.webSocket?.close();
  if (response.body?.locked === false) await response.body.cancel();
}

export async function suspend({ tenant }: Pick<World, "tenant">): Promise<void> {
  const suspended = await asOperator(`/v1/tenants/${tenant.id}/suspend`, { method: "POST" });
  if (suspended.status !== 200) throw new Error("not suspended");
}
