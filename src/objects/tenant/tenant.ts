/** One tenant: its keys, its settings and limits, and the directory of its rooms. What each call does stands beside this. */
import { DurableObject } from "cloudflare:workers";
import type { Actor } from "../../protocol/actor.ts";
import type { Assistant } from "../../protocol/assistant.ts";
import type { AuditPage, Deed } from "../../protocol/audit.ts";
import type { Ban } from "../../protocol/ban.ts";
import type { ErasedMessages, Erasure } from "../../protocol/erasure.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Policy, RoomPolicy } from "../../protocol/policy.ts";
import type { Refusal } from "../../protocol/refusals.ts";
import type { Issued, Revocation } from "../../protocol/revocation.ts";
import type { LimitLevel } from "../../protocol/serverFrames.ts";
import type { UsageSpan } from "../../protocol/usage.ts";
import type { Target, WebhookEndpoint, WebhookPatch } from "../../protocol/webhook.ts";
import type { Grant, Statement } from "../account.ts";
import type { Alarms } from "../alarms.ts";
import type { ExportPage } from "../exports.ts";
import type { ObjectBindings } from "../stubs.ts";
import type { TicketUse } from "../tickets.ts";
import { assemble } from "./assemble.ts";
import { listingOf as assistantListing } from "./assistants.ts";
import type { AuditQuery } from "./audit.ts";
import type { BanListing } from "./bans.ts";
import {
  addWebhook,
  describeWebhook,
  disableWebhook,
  type NewEndpoint,
  removeWebhook,
  rotateWebhook,
  targetOf,
  updateWebhook,
} from "./endpoints.ts";
import {
  type AssistantRequest,
  assistantOf,
  type Engagement,
  engagementOf,
  removeAssistant,
  saveAssistant,
} from "./engage.ts";
import { beginErasure, erasureOf } from "./erase.ts";
import { exportPage, type TenantPosition } from "./export.ts";
import type { Flag, FlagQuery, NewFlag } from "./flags.ts";
import { giveUp } from "./giveUp.ts";
import {
  addPart,
  attempt,
  beginParts,
  confirm,
  openUpload,
  release,
  reserve,
  type Standing,
  standingOf,
  type Tried,
} from "./intake.ts";
import type { IssuerListing, NewIssuer } from "./issuers.ts";
import { type Job, jobsOf } from "./jobs.ts";
import { ban, flag, resolveFlag } from "./judge.ts";
import { addKey, hasKeysOf, removeKey } from "./keys.ts";
import { metricsOf, usageOf } from "./meters.ts";
import { noteHookSecret, noteImport, noteWebhook, type WebhookDeed } from "./noted.ts";
import type { Lost } from "./outbox.ts";
import { type Answer, levelsOf, type TenantParts, unknownTenant } from "./parts.ts";
import { policyOf } from "./policy.ts";
import {
  beginDeletion,
  create,
  describe,
  setSuspended,
  type TenantPatch,
  type TenantProfile,
  update,
} from "./profile.ts";
import { addIssuer, removeIssuer } from "./providers.ts";
import type { NewRevocation, RevocationListing } from "./revocations.ts";
import { revoke } from "./revoke.ts";
import { account, forgetRoom, recordDeeds, registerRoom } from "./rooms.ts";
import type { Key, NewKey, RoomListing } from "./store.ts";
import type { NewUpload, Part } from "./uploads.ts";
import type { Metrics, UsageQuery } from "./usage.ts";
import { listingOf as webhookListing } from "./webhooks.ts";

export class Tenant extends DurableObject<ObjectBindings & Cloudflare.Env> {
  readonly #parts: TenantParts;
  readonly #alarms: Alarms<Job>;

  constructor(ctx: DurableObjectState, env: ObjectBindings & Cloudflare.Env) {
    super(ctx, env);
    const { parts, alarms } = assemble(ctx, env);
    this.#parts = parts;
    this.#alarms = alarms;
  }

  // Calls from the operator's plane.

  create(
    patch: TenantPatch & { readonly name: string },
    firstKey: NewKey,
    actor: Actor,
  ): Answer<{ tenant: TenantProfile }> {
    return create(this.#parts, patch, firstKey, actor, Date.now());
  }

  setSuspended(suspended: boolean, actor: Actor): Promise<Answer<{ tenant: TenantProfile }>> {
    return setSuspended(this.#parts, suspended, actor, Date.now());
  }

  /** Suspends it for ever, and begins to erase everything of it. Safe to ask again, until there is no such tenant. */
  delete(actor: Actor): Promise<Answer<{ tenant: TenantProfile }>> {
    return beginDeletion(this.#parts, actor, Date.now());
  }

  // Calls from the tenant's plane.

  describe(): Answer<{ tenant: TenantProfile }> {
    return describe(this.#parts);
  }

  update(patch: TenantPatch, actor: Actor): Promise<Answer<{ tenant: TenantProfile }>> {
    return update(this.#parts, patch, actor, Date.now());
  }

  keys(): Key[] {
    return this.#of([], ({ store }) => store.keys());
  }

  /** Whether any key, a webhook endpoint's secret or an assistant's sealed key was made by this version of the master key: without it they are worth nothing. */
  hasKeysOf(version: number): boolean {
    return this.#of(false, (parts, nowMs) => hasKeysOf(parts, version, nowMs));
  }

  addKey(key: NewKey, actor: Actor): Promise<Answer<object>> {
    return addKey(this.#parts, key, actor, Date.now());
  }

  removeKey(id: string, actor: Actor): Promise<Answer<object>> {
    return removeKey(this.#parts, id, actor, Date.now());
  }

  issuers(): IssuerListing[] {
    return this.#of([], ({ issuers }) => issuers.list());
  }

  addIssuer(issuer: NewIssuer, actor: Actor): Promise<Answer<{ issuer: IssuerListing }>> {
    return addIssuer(this.#parts, issuer, actor, Date.now());
  }

  removeIssuer(id: string, actor: Actor): Promise<Answer<object>> {
    return removeIssuer(this.#parts, id, actor, Date.now());
  }

  webhooks(): WebhookEndpoint[] {
    return this.#of([], ({ webhooks }, nowMs) => webhooks.list(nowMs).map(webhookListing));
  }

  /** With what was lost on the way to it. */
  webhook(id: string): Answer<{ webhook: WebhookEndpoint; lost: Lost }> {
    return this.#of(unknownTenant(), (parts, nowMs) => describeWebhook(parts, id, nowMs));
  }

  addWebhook(endpoint: NewEndpoint, actor: Actor): Promise<Answer<{ webhook: WebhookEndpoint }>> {
    return addWebhook(this.#parts, endpoint, actor, Date.now());
  }

  updateWebhook(id: string, patch: WebhookPatch, actor: Actor): Promise<Answer<{ webhook: WebhookEndpoint }>> {
    return updateWebhook(this.#parts, id, patch, actor, Date.now());
  }

  /** The new secret is derived from this version of the master key. */
  rotateWebhook(id: string, masterKey: number, actor: Actor): Promise<Answer<{ webhook: WebhookEndpoint }>> {
    return rotateWebhook(this.#parts, id, masterKey, actor, Date.now());
  }

  removeWebhook(id: string, actor: Actor): Promise<Answer<object>> {
    return removeWebhook(this.#parts, id, actor, Date.now());
  }

  noteWebhook(id: string, deed: WebhookDeed, actor: Actor): Answer<object> {
    return noteWebhook(this.#parts, id, deed, actor, Date.now());
  }

  assistants(): Assistant[] {
    return this.#of([], ({ assistants }) => assistants.list().map(assistantListing));
  }

  assistant(id: string): Answer<{ assistant: Assistant }> {
    return this.#of(unknownTenant(), (parts) => assistantOf(parts, id));
  }

  saveAssistant(
    id: string,
    request: AssistantRequest,
    actor: Actor,
  ): Promise<Answer<{ assistant: Assistant; created: boolean }>> {
    return saveAssistant(this.#parts, id, request, actor, Date.now());
  }

  removeAssistant(id: string, actor: Actor): Promise<Answer<object>> {
    return removeAssistant(this.#parts, id, actor, Date.now());
  }

  ban(user: string, wanted: Ban | null, actor: Actor): Promise<Answer<object>> {
    return ban(this.#parts, user, wanted, actor, Date.now());
  }

  bans(bounds: { readonly after: string; readonly limit: number }): BanListing[] {
    return this.#of([], ({ bans }, nowMs) => bans.list(bounds, nowMs));
  }

  /** Begins to erase a user; safe to ask again. */
  erase(user: string, messages: ErasedMessages, actor: Actor): Promise<Answer<{ erasure: Erasure }>> {
    return beginErasure(this.#parts, user, messages, actor, Date.now());
  }

  erasure(id: string): Answer<{ erasure: Erasure }> {
    return erasureOf(this.#parts, id);
  }

  /** Of all that the tenant itself holds, or says of one user. `actor` asks for the first page, and is written down. */
  exportPage(
    user: string | null,
    position: TenantPosition | null,
    actor: Actor | null,
  ): Answer<ExportPage<TenantPosition>> {
    return this.#of(unknownTenant(), (parts, nowMs) => exportPage(parts, user, position, actor, nowMs));
  }

  /** Its rooms have their own entries. */
  noteImport(rooms: number, actor: Actor): Answer<object> {
    return this.#of(unknownTenant(), (parts, nowMs) => noteImport(parts, rooms, actor, nowMs));
  }

  flags(query: FlagQuery): Flag[] {
    return this.#of([], ({ flags }) => flags.list(query));
  }

  resolveFlag(id: number, note: string | null, actor: Actor): Answer<{ flag: Flag }> {
    return resolveFlag(this.#parts, id, note, actor, Date.now());
  }

  /** Whoever knows it can speak for Parley to the tenant's hook. */
  noteHookSecret(actor: Actor): Answer<object> {
    return this.#of(unknownTenant(), (parts, nowMs) => noteHookSecret(parts, actor, nowMs));
  }

  revoke(asked: NewRevocation, actor: Actor): Promise<Answer<{ revocation: RevocationListing }>> {
    return revoke(this.#parts, asked, actor, Date.now());
  }

  /** Those in force with an id below `before`, the newest first. */
  revocations(page: { readonly before: number; readonly limit: number }): RevocationListing[] {
    return this.#of([], ({ revocations }, nowMs) => revocations.list(page, nowMs));
  }

  rooms(query: { prefix: string; after: string; limit: number }): RoomListing[] {
    return this.#of([], ({ store }) => store.rooms(query));
  }

  audit(query: AuditQuery): Answer<AuditPage> {
    return this.#of(unknownTenant(), ({ audit }) => ({ ok: true, ...audit.page(query) }));
  }

  usage(query: UsageQuery): Answer<{ items: UsageSpan[] }> {
    return usageOf(this.#parts, query, Date.now());
  }

  /** How it stands now. What is counted is all stored, so that it never goes back. */
  metrics(): Answer<{ metrics: Metrics }> {
    return metricsOf(this.#parts, Date.now());
  }

  // Calls from webhook endpoints.

  /** Null where there is no such endpoint. */
  webhookTarget(id: string): Target | null {
    return this.#of(null, (parts, nowMs) => targetOf(parts, id, nowMs));
  }

  /** For whoever answers in its rooms; null where there is no such assistant. */
  engagement(id: string): Engagement | null {
    return this.#of(null, (parts) => engagementOf(parts, id));
  }

  disableWebhook(id: string, reason: string): Promise<void> {
    return disableWebhook(this.#parts, id, reason, Date.now());
  }

  // Calls from the edge and from rooms.

  /** What the edge goes by for the next seconds; null for a tenant that does not exist. `usedKey` is noted as used, if it is an API key. */
  policy(usedKey: string | null): Policy | null {
    return this.#of(null, (parts, nowMs) => policyOf(parts, usedKey, nowMs));
  }

  /** The ban of each of these: for whoever does not hold them all. */
  bansOf(users: readonly string[]): (Ban | null)[] {
    return users.map((user) => this.#of(null, ({ bans }, nowMs) => bans.find(user, nowMs)));
  }

  /** By which revocation each of these is revoked: for whoever does not hold them all. */
  revocationsOf(sessions: readonly Issued[]): (Revocation | null)[] {
    return sessions.map((session) => this.#of(null, ({ revocations }, nowMs) => revocations.find(session, nowMs)));
  }

  /** Answered at once: the room's user waits for it. */
  flag(drawn: NewFlag): Answer<{ flag: Flag; isNew: boolean }> {
    return flag(this.#parts, drawn, Date.now());
  }

  registerRoom(name: string, again: boolean): Answer<{ policy: RoomPolicy }> {
    return registerRoom(this.#parts, name, again, Date.now());
  }

  forgetRoom(name: string): void {
    this.#of(undefined, (parts, nowMs) => forgetRoom(parts, name, nowMs));
  }

  /** The limits in force, and what is left of those that all rooms share. */
  limits(): Answer<{ limits: Limits; levels: LimitLevel[] }> {
    return levelsOf(this.#parts, Date.now());
  }

  /** A room says how it stands, and takes credits and places in advance. */
  account(statement: Statement): Grant | Refusal {
    return account(this.#parts, statement, Date.now());
  }

  /** Takes a file's bytes from the quota, until it is complete or given up. */
  reserveUpload(asked: NewUpload): Answer<{ levels: LimitLevel[] }> {
    return reserve(this.#parts, asked, Date.now());
  }

  /** An upload that is open, for its user, or with null for the tenant's server. */
  openUpload(id: string, user: string | null): Tried | null {
    return this.#of(null, (parts) => openUpload(parts, id, user));
  }

  /** Somebody who may goes on with it: the time after which it is given up begins anew. */
  tryUpload(id: string): Answer<object> {
    return this.#of(unknownTenant(), (parts, nowMs) => attempt(parts, id, nowMs));
  }

  /** So many bytes have come for nothing. */
  noteVain(bytes: number): void {
    this.#of(undefined, ({ vain }, nowMs) => vain.add(bytes, nowMs));
  }

  uploadStanding(id: string): Standing {
    return this.#of("over", (parts) => standingOf(parts, id));
  }

  /** Ends an upload that is not complete, and answers how it stands then. Safe to ask again. */
  async giveUpUpload(id: string, room: string): Promise<Standing> {
    return this.#of("over", (parts, nowMs) => giveUp(parts, { id, room }, nowMs));
  }

  /** Its parts are collected under this name. */
  beginParts(id: string, multipart: string): Answer<object> {
    return this.#of(unknownTenant(), (parts) => beginParts(parts, id, multipart));
  }

  addPart(id: string, part: Part): Answer<object> {
    return this.#of(unknownTenant(), (parts) => addPart(parts, id, part));
  }

  /** Its bytes are there, and its room has it. */
  confirmUpload(id: string): Answer<object> {
    return this.#of(unknownTenant(), (parts, nowMs) => confirm(parts, id, nowMs));
  }

  /** Nothing is left of their bytes. */
  releaseUploads(ids: readonly string[]): void {
    this.#of(undefined, (parts, nowMs) => release(parts, ids, nowMs));
  }

  /** What a room has done, for the audit log. It may be told again. */
  recordDeeds(room: string, deeds: readonly Deed[]): void {
    this.#of(undefined, (parts) => recordDeeds(parts, room, deeds));
  }

  /** False when the ticket was used before. */
  useTicket(use: TicketUse): boolean {
    return this.#of(false, ({ tickets, book }, nowMs) => {
      const isFirst = tickets.use(use);
      if (isFirst) book("tickets", tickets.dueMs ?? nowMs);
      return isFirst;
    });
  }

  // Events from the platform.

  override async alarm(): Promise<void> {
    const { store, deletion } = this.#parts;
    if (deletion.isOver) return deletion.eraseLate();
    // One that rang while everything was erased.
    if (store.tenant === null) return;
    await this.#alarms.run(Date.now(), jobsOf(this.#parts, this.#alarms));
  }

  /** Of a tenant that exists. Another has no tables to look into. */
  #of<Found, None>(none: None, read: (parts: TenantParts, nowMs: number) => Found): Found | None {
    return this.#parts.store.tenant === null ? none : read(this.#parts, Date.now());
  }
}
