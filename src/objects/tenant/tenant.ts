/** One tenant: its keys, its settings and limits, and the directory of its rooms. */
import { DurableObject } from "cloudflare:workers";
import { type Concern, everybody } from "../../core/concern.ts";
import type { Actor } from "../../protocol/actor.ts";
import type { Assistant } from "../../protocol/assistant.ts";
import type { AuditPage, Deed } from "../../protocol/audit.ts";
import type { Ban } from "../../protocol/ban.ts";
import type { ErasedMessages, Erasure } from "../../protocol/erasure.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Policy, RoomPolicy } from "../../protocol/policy.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Issued, Revocation } from "../../protocol/revocation.ts";
import type { LimitLevel } from "../../protocol/serverFrames.ts";
import type { UsageSpan } from "../../protocol/usage.ts";
import type { Target, WebhookEndpoint, WebhookPatch } from "../../protocol/webhook.ts";
import type { Grant, Statement } from "../account.ts";
import type { ExportPage } from "../exports.ts";
import { Alarms } from "../alarms.ts";
import { discardFile, fileKey, filesOf } from "../files.ts";
import { directoryStub, type ObjectBindings, roomStub, webhookStub } from "../stubs.ts";
import { Tickets, type TicketUse } from "../tickets.ts";
import { Assistants, listingOf as assistantListing } from "./assistants.ts";
import { AuditLog, type AuditQuery } from "./audit.ts";
import { type BanListing, TenantBans } from "./bans.ts";
import { Deletion } from "./deletion.ts";
import { Doors } from "./doors.ts";
import {
  addWebhook,
  disableWebhook,
  type NewEndpoint,
  noteWebhook,
  removeWebhook,
  rotateWebhook,
  shown,
  targetOf,
  tellWebhooks,
  updateWebhook,
  type WebhookDeed,
  webhookOf,
} from "./endpoints.ts";
import {
  type AssistantRequest,
  assistantOf,
  type Engagement,
  engagementOf,
  removeAssistant,
  saveAssistant,
} from "./engage.ts";
import { Endings } from "./endings.ts";
import { beginErasure, eraseAtEndpoints, eraseRest } from "./erase.ts";
import { Erasures } from "./erasures.ts";
import { tenantPage, type TenantPosition } from "./export.ts";
import { type Flag, type FlagQuery, Flags, type NewFlag } from "./flags.ts";
import { type IssuerListing, Issuers, type NewIssuer } from "./issuers.ts";
import { ban, flag as addFlag, resolveFlag } from "./judge.ts";
import { addKey, removeKey } from "./keys.ts";
import {
  attempt,
  clearEnded,
  confirm,
  giveUp,
  giveUpAbandoned,
  giveUpAll,
  openUpload,
  release,
  reserve,
  standingOf,
  type Tried,
  whileOpen,
} from "./intake.ts";
import { Ledger } from "./ledger.ts";
import { limitsOf } from "./limits.ts";
import { type Lost, Outbox } from "./outbox.ts";
import { type Answer, type Decided, levelsOf, type TenantParts, unknownTenant } from "./parts.ts";
import { policyOf, roomPolicyOf } from "./policy.ts";
import { create, describe, setSuspended, type TenantPatch, type TenantProfile, update } from "./profile.ts";
import { addIssuer, removeIssuer } from "./providers.ts";
import { type NewRevocation, type RevocationListing, Revocations } from "./revocations.ts";
import { revoke } from "./revoke.ts";
import { policyGoneMs, Rounds } from "./rounds.ts";
import { type Key, type NewKey, type RoomListing, Store } from "./store.ts";
import { Untold } from "./untold.ts";
import { type NewUpload, type Part, Uploads } from "./uploads.ts";
import { type Metrics, Usage, type UsageQuery, type Used } from "./usage.ts";
import { Vain } from "./vain.ts";
import { listingOf, Webhooks } from "./webhooks.ts";

/** When what could not be erased is tried again. */
const retryAfterMs = 30_000;

export class Tenant extends DurableObject<ObjectBindings & Cloudflare.Env> {
  readonly #parts: TenantParts;
  readonly #alarms: Alarms<
    "policy" | "revocations" | "tickets" | "deletion" | "erasures" | "usage" | "untold" | "outbox" | "uploads"
  >;
  readonly #tickets: Tickets;
  readonly #rounds: Rounds<RoomPolicy>;
  /** Made when they are first needed: a tenant that was never created has no tables. */
  #ledger: Ledger | null = null;
  #doors: Doors | null = null;
  #usage: Usage | null = null;
  #uploads: Uploads | null = null;

  constructor(ctx: DurableObjectState, env: ObjectBindings & Cloudflare.Env) {
    super(ctx, env);
    const { storage } = ctx;
    const store = new Store(storage);
    const webhooks = new Webhooks(storage);
    this.#alarms = new Alarms(storage);
    this.#tickets = new Tickets(storage);
    this.#parts = {
      id: () => this.#id,
      store,
      audit: new AuditLog(storage, () => this.#id),
      issuers: new Issuers(storage),
      flags: new Flags(storage),
      bans: new TenantBans(storage),
      revocations: new Revocations(storage),
      webhooks,
      assistants: new Assistants(storage),
      outbox: new Outbox({
        tenant: () => this.#id,
        sql: storage.sql,
        webhooks,
        endpoint: (id) => this.#parts.endpoint(id),
        book: (atMs) => this.#alarms.schedule("outbox", atMs),
      }),
      untold: new Untold({
        sql: storage.sql,
        policy: () => roomPolicyOf(this.#parts, null, Date.now()),
        tell: (room, policy) => roomStub(env, this.#id, room).heed(policy),
        book: (atMs) => this.#alarms.schedule("untold", atMs),
      }),
      deletion: new Deletion({
        storage,
        store,
        files: () => ({ bucket: env.UPLOADS, prefix: filesOf(this.#id) }),
        giveUp: () => giveUpAll(this.#parts, Date.now()),
        dissolve: (room) => roomStub(env, this.#id, room).dissolve(),
        dissolveEndpoints: async () => {
          await Promise.all(this.#parts.webhooks.list(Date.now()).map(({ id }) => this.#parts.endpoint(id).dissolve()));
        },
        bury: () => directoryStub(env).bury(this.#id),
      }),
      endpoint: (id) => webhookStub(env, this.#id, id),
      erasures: new Erasures({
        storage,
        rooms: (after, limit) => store.roomsToErase(after, limit),
        hasNewer: (sinceMs) => store.hasRoomsSince(sinceMs),
        erase: async (room, user, messages) => (await roomStub(env, this.#id, room).erase(user, messages)).ok,
        forget: (room, user) => roomStub(env, this.#id, room).forget(user),
        eraseOwn: (user) => eraseRest(this.#parts, user, Date.now()),
        eraseLate: (user) => eraseAtEndpoints(this.#parts, user, Date.now()),
      }),
      ledger: () => (this.#ledger ??= new Ledger(storage.sql)),
      doors: () => (this.#doors ??= new Doors(storage.sql)),
      usage: () => (this.#usage ??= new Usage(storage.sql)),
      uploads: () => (this.#uploads ??= new Uploads(storage.sql)),
      endings: new Endings(storage.sql),
      vain: new Vain(storage.sql),
      disclaim: ({ id, room }) => roomStub(env, this.#id, room).dropFile(id),
      discard: ({ id, multipart }) => discardFile(env.UPLOADS, fileKey(this.#id, id), multipart),
      decide: (tenant, record, concern) => this.#decide(tenant, record, concern),
    };
    this.#rounds = this.#roundsOf(env);
  }

  // Calls from the operator's plane.

  create(
    patch: TenantPatch & { readonly name: string },
    firstKey: NewKey,
    actor: Actor,
  ): Answer<{ tenant: TenantProfile }> {
    return create(this.#parts, patch, firstKey, actor, Date.now());
  }

  async setSuspended(suspended: boolean, actor: Actor): Promise<Answer<{ tenant: TenantProfile }>> {
    const changed = await setSuspended(this.#parts, suspended, actor, Date.now());
    if (changed.ok) await tellWebhooks(this.#parts, Date.now());
    return changed;
  }

  /** Suspends it for ever, and begins to erase everything of it. Safe to ask again, until there is no such tenant. */
  async delete(actor: Actor): Promise<Answer<{ tenant: TenantProfile }>> {
    const { store, deletion, audit } = this.#parts;
    if (store.tenant === null) return unknownTenant();
    const nowMs = Date.now();
    // When no edge holds an older policy, nobody comes in any more whom the erasure would have to chase.
    this.#alarms.schedule("deletion", nowMs + policyGoneMs);
    if (deletion.isBegun) return this.describe();
    await this.#decide({ ...store.tenant, suspended: true }, () => {
      deletion.begin(nowMs);
      audit.append(actor, "tenant.deleted", {}, nowMs);
    });
    await tellWebhooks(this.#parts, nowMs);
    return this.describe();
  }

  // Calls from the tenant's plane.

  describe(): Answer<{ tenant: TenantProfile }> {
    return describe(this.#parts);
  }

  update(patch: TenantPatch, actor: Actor): Promise<Answer<{ tenant: TenantProfile }>> {
    return update(this.#parts, patch, actor, Date.now());
  }

  keys(): Key[] {
    return this.#isThere ? this.#parts.store.keys() : [];
  }

  /** Whether any key, a webhook endpoint's secret or an assistant's sealed key was made by this version of the master key: without it they are worth nothing. */
  hasKeysOf(version: number): boolean {
    if (!this.#isThere) return false;
    const { store, webhooks, assistants } = this.#parts;
    return store.hasKeysOf(version) || webhooks.hasSecretsOf(version, Date.now()) || assistants.hasKeysOf(version);
  }

  addKey(key: NewKey, actor: Actor): Promise<Answer<object>> {
    return addKey(this.#parts, key, actor, Date.now());
  }

  removeKey(id: string, actor: Actor): Promise<Answer<object>> {
    return removeKey(this.#parts, id, actor, Date.now());
  }

  issuers(): IssuerListing[] {
    return this.#isThere ? this.#parts.issuers.list() : [];
  }

  addIssuer(issuer: NewIssuer, actor: Actor): Promise<Answer<{ issuer: IssuerListing }>> {
    return addIssuer(this.#parts, issuer, actor, Date.now());
  }

  removeIssuer(id: string, actor: Actor): Promise<Answer<object>> {
    return removeIssuer(this.#parts, id, actor, Date.now());
  }

  webhooks(): WebhookEndpoint[] {
    return this.#isThere ? this.#parts.webhooks.list(Date.now()).map(listingOf) : [];
  }

  /** With what was lost on the way to it. */
  webhook(id: string): Answer<{ webhook: WebhookEndpoint; lost: Lost }> {
    if (!this.#isThere) return unknownTenant();
    const found = webhookOf(this.#parts, id, Date.now());
    return found.ok ? { ok: true, webhook: listingOf(found.webhook), lost: this.#parts.outbox.lost(id) } : found;
  }

  addWebhook(endpoint: NewEndpoint, actor: Actor): Promise<Answer<{ webhook: WebhookEndpoint }>> {
    return shown(addWebhook(this.#parts, endpoint, actor, Date.now()));
  }

  updateWebhook(id: string, patch: WebhookPatch, actor: Actor): Promise<Answer<{ webhook: WebhookEndpoint }>> {
    return shown(updateWebhook(this.#parts, id, patch, actor, Date.now()));
  }

  /** The new secret is derived from this version of the master key. */
  rotateWebhook(id: string, masterKey: number, actor: Actor): Promise<Answer<{ webhook: WebhookEndpoint }>> {
    return shown(rotateWebhook(this.#parts, id, masterKey, actor, Date.now()));
  }

  removeWebhook(id: string, actor: Actor): Promise<Answer<object>> {
    return removeWebhook(this.#parts, id, actor, Date.now());
  }

  noteWebhook(id: string, deed: WebhookDeed, actor: Actor): Answer<object> {
    return noteWebhook(this.#parts, id, deed, actor, Date.now());
  }

  assistants(): Assistant[] {
    return this.#isThere ? this.#parts.assistants.list().map(assistantListing) : [];
  }

  assistant(id: string): Answer<{ assistant: Assistant }> {
    return this.#isThere ? assistantOf(this.#parts, id) : unknownTenant();
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
    return this.#isThere ? this.#parts.bans.list(bounds, Date.now()) : [];
  }

  /** Begins to erase a user; safe to ask again. */
  async erase(user: string, messages: ErasedMessages, actor: Actor): Promise<Answer<{ erasure: Erasure }>> {
    const begun = await beginErasure(this.#parts, user, messages, actor, Date.now());
    this.#scheduleErasures();
    return begun;
  }

  erasure(id: string): Answer<{ erasure: Erasure }> {
    const erasure = this.#isThere ? this.#parts.erasures.find(id) : null;
    return erasure === null ? refuse("not_found", "There is no such erasure.") : { ok: true, erasure };
  }

  /** Of all that the tenant itself holds, or says of one user. `actor` asks for the first page, and is written down. */
  exportPage(
    user: string | null,
    position: TenantPosition | null,
    actor: Actor | null,
  ): Answer<ExportPage<TenantPosition>> {
    if (!this.#isThere) return unknownTenant();
    const nowMs = Date.now();
    const target = user === null ? {} : { target: { user } };
    if (actor !== null)
      this.#parts.audit.append(actor, user === null ? "tenant.exported" : "user.exported", target, nowMs);
    return { ok: true, ...tenantPage(this.#parts, user, position, nowMs) };
  }

  /** Its rooms have their own entries. */
  noteImport(rooms: number, actor: Actor): Answer<object> {
    if (!this.#isThere) return unknownTenant();
    this.#parts.audit.append(actor, "tenant.imported", { after: { rooms } }, Date.now());
    return { ok: true };
  }

  flags(query: FlagQuery): Flag[] {
    return this.#isThere ? this.#parts.flags.list(query) : [];
  }

  resolveFlag(id: number, note: string | null, actor: Actor): Answer<{ flag: Flag }> {
    return resolveFlag(this.#parts, id, note, actor, Date.now());
  }

  /** Whoever knows it can speak for Parley to the tenant's hook. */
  noteHookSecret(actor: Actor): Answer<object> {
    if (!this.#isThere) return unknownTenant();
    this.#parts.audit.append(actor, "hook.secret_shown", {}, Date.now());
    return { ok: true };
  }

  revoke(asked: NewRevocation, actor: Actor): Promise<Answer<{ revocation: RevocationListing }>> {
    return revoke(this.#parts, asked, actor, Date.now());
  }

  /** Those in force with an id below `before`, the newest first. */
  revocations(page: { readonly before: number; readonly limit: number }): RevocationListing[] {
    return this.#isThere ? this.#parts.revocations.list(page, Date.now()) : [];
  }

  rooms(query: { prefix: string; after: string; limit: number }): RoomListing[] {
    return this.#isThere ? this.#parts.store.rooms(query) : [];
  }

  audit(query: AuditQuery): Answer<AuditPage> {
    return this.#isThere ? { ok: true, ...this.#parts.audit.page(query) } : unknownTenant();
  }

  usage(query: UsageQuery): Answer<{ items: UsageSpan[] }> {
    const { store, usage } = this.#parts;
    if (store.tenant === null) return unknownTenant();
    return { ok: true, items: usage().page(query, store.tenant.createdAtMs, Date.now()) };
  }

  /** How it stands now. What is counted is all stored, so that it never goes back. */
  metrics(): Answer<{ metrics: Metrics }> {
    const { store, usage, ledger } = this.#parts;
    if (store.tenant === null) return unknownTenant();
    const rooms = { rooms: store.countRooms(), activeRooms: ledger().activeRooms.length };
    return { ok: true, metrics: { ...usage().reading(Date.now()), ...rooms, policyVersion: store.tenant.version } };
  }

  // Calls from webhook endpoints.

  /** Null where there is no such endpoint. */
  webhookTarget(id: string): Target | null {
    return this.#isThere ? targetOf(this.#parts, id, Date.now()) : null;
  }

  /** For whoever answers in its rooms; null where there is no such assistant. */
  engagement(id: string): Engagement | null {
    return this.#isThere ? engagementOf(this.#parts, id) : null;
  }

  disableWebhook(id: string, reason: string): Promise<void> {
    return disableWebhook(this.#parts, id, reason, Date.now());
  }

  // Calls from the edge and from rooms.

  /** What the edge goes by for the next seconds; null for a tenant that does not exist. `usedKey` is noted as used, if it is an API key. */
  policy(usedKey: string | null): Policy | null {
    if (!this.#isThere) return null;
    const nowMs = Date.now();
    if (usedKey !== null) this.#parts.store.touchKey(usedKey, nowMs);
    return policyOf(this.#parts, nowMs);
  }

  /** The ban of each of these: for whoever does not hold them all. */
  bansOf(users: readonly string[]): (Ban | null)[] {
    if (!this.#isThere) return users.map(() => null);
    const nowMs = Date.now();
    return users.map((user) => this.#parts.bans.find(user, nowMs));
  }

  /** By which revocation each of these is revoked: for whoever does not hold them all. */
  revocationsOf(sessions: readonly Issued[]): (Revocation | null)[] {
    if (!this.#isThere) return sessions.map(() => null);
    const nowMs = Date.now();
    return sessions.map((session) => this.#parts.revocations.find(session, nowMs));
  }

  /** Answered at once: the room's user waits for it. */
  flag(flag: NewFlag): Answer<{ flag: Flag; isNew: boolean }> {
    return addFlag(this.#parts, flag, Date.now());
  }

  registerRoom(name: string, again: boolean): Answer<{ policy: RoomPolicy }> {
    const { store } = this.#parts;
    if (store.tenant === null) return unknownTenant();
    if (store.tenant.suspended) return refuse("tenant_suspended");
    const nowMs = Date.now();
    return store.registerRoom(name, again, nowMs)
      ? { ok: true, policy: roomPolicyOf(this.#parts, null, nowMs) }
      : refuse("room_deleted");
  }

  forgetRoom(name: string): void {
    if (!this.#isThere) return;
    const { store, ledger, doors } = this.#parts;
    store.forgetRoom(name, Date.now());
    ledger().forget(name);
    doors().forget(name);
    this.#record({ room: name, counts: null, connections: ledger().connections, creditsRefused: 0 });
  }

  /** The limits in force, and what is left of those that all rooms share. */
  limits(): Answer<{ limits: Limits; levels: LimitLevel[] }> {
    return levelsOf(this.#parts, Date.now());
  }

  /** A room says how it stands, and takes credits and places in advance. */
  account(statement: Statement): Grant | Refusal {
    const { store, ledger, doors } = this.#parts;
    const { tenant } = store;
    if (tenant === null) return unknownTenant();
    const { room, counts, policyVersion } = statement;
    const nowMs = Date.now();
    if (counts !== null) store.reportRoom(room, counts);
    const granted = ledger().settle(statement, limitsOf(tenant), nowMs);
    doors().settle(statement);
    const creditsRefused = statement.credits - granted.credits;
    this.#record({ room, counts, connections: ledger().connections, creditsRefused });
    const isBehind = tenant.version > policyVersion;
    return { ...granted, policy: isBehind ? roomPolicyOf(this.#parts, policyVersion, nowMs) : null };
  }

  /** Takes a file's bytes from the quota, until it is complete or given up. */
  reserveUpload(asked: NewUpload): Answer<{ levels: LimitLevel[] }> {
    const reserved = reserve(this.#parts, asked, Date.now());
    if (reserved.ok) this.#scheduleGivingUp();
    return reserved;
  }

  /** An upload that is open, for its user, or with null for the tenant's server. */
  openUpload(id: string, user: string | null): Tried | null {
    return this.#isThere ? openUpload(this.#parts, id, user) : null;
  }

  /** Somebody who may goes on with it: the time after which it is given up begins anew. */
  tryUpload(id: string): Answer<object> {
    if (!this.#isThere) return unknownTenant();
    return attempt(this.#parts, id, Date.now());
  }

  /** So many bytes have come for nothing. */
  noteVain(bytes: number): void {
    if (this.#isThere) this.#parts.vain.add(bytes, Date.now());
  }

  /** What is neither open nor complete is over for ever. */
  uploadStanding(id: string): "open" | "complete" | "over" {
    return this.#isThere ? standingOf(this.#parts, id) : "over";
  }

  /** Ends an upload that is not complete, and answers how it stands then. Safe to ask again. */
  async giveUpUpload(id: string, room: string): Promise<"open" | "complete" | "over"> {
    if (!this.#isThere) return "over";
    const standing = await giveUp(this.#parts, { id, room }, this.#heldBy, Date.now());
    this.#scheduleGivingUp();
    return standing;
  }

  /** Its parts are collected under this name. */
  beginParts(id: string, multipart: string): Answer<object> {
    if (!this.#isThere) return unknownTenant();
    return whileOpen(this.#parts, id, () => this.#parts.uploads().begin(id, multipart));
  }

  addPart(id: string, part: Part): Answer<object> {
    if (!this.#isThere) return unknownTenant();
    return whileOpen(this.#parts, id, () => this.#parts.uploads().addPart(id, part));
  }

  /** Its bytes are there, and its room has it. */
  confirmUpload(id: string): Answer<object> {
    if (!this.#isThere) return unknownTenant();
    const confirmed = confirm(this.#parts, id, Date.now());
    this.#scheduleSweep();
    return confirmed;
  }

  /** Nothing is left of their bytes. */
  releaseUploads(ids: readonly string[]): void {
    if (!this.#isThere) return;
    release(this.#parts, ids, Date.now());
    this.#scheduleSweep();
  }

  /** What a room has done, for the audit log. It may be told again. */
  recordDeeds(room: string, deeds: readonly Deed[]): void {
    if (!this.#isThere) return;
    const { store, audit } = this.#parts;
    store.transaction(() => {
      for (const deed of deeds) audit.record(room, deed);
    });
  }

  /** False when the ticket was used before. */
  useTicket(use: TicketUse): boolean {
    if (!this.#isThere || !this.#tickets.use(use)) return false;
    this.#alarms.schedule("tickets", this.#tickets.dueMs ?? Date.now());
    return true;
  }

  // Events from the platform.

  override async alarm(): Promise<void> {
    const { store, revocations, deletion, erasures, usage, untold, outbox } = this.#parts;
    const tickets = this.#tickets;
    if (deletion.isOver) return deletion.eraseLate();
    // One that rang while everything was erased.
    if (store.tenant === null) return;
    await this.#alarms.run(Date.now(), {
      policy: () => this.#rounds.goAgain(Date.now()),
      revocations: () => {
        revocations.sweep(Date.now());
        const nextMs = revocations.dueMs;
        if (nextMs !== null) this.#alarms.schedule("revocations", nextMs);
      },
      deletion: async () => {
        const next = await deletion.step();
        if (next === "over") this.#alarms.forget();
        else this.#alarms.schedule("deletion", Date.now() + (next === "next" ? 0 : retryAfterMs));
      },
      erasures: async () => {
        await erasures.step(Date.now());
        this.#scheduleErasures();
        this.#scheduleGivingUp();
      },
      tickets: () => {
        tickets.sweep(Date.now());
        const nextMs = tickets.dueMs;
        if (nextMs !== null) this.#alarms.schedule("tickets", nextMs);
      },
      usage: () => {
        usage().sweep(Date.now());
        this.#scheduleSweep();
      },
      untold: () => untold.step(Date.now()),
      outbox: () => outbox.ring(Date.now()),
      uploads: async () => {
        const nowMs = Date.now();
        const done = [giveUpAbandoned(this.#parts, this.#heldBy, nowMs), clearEnded(this.#parts, nowMs)];
        const failed = (await Promise.allSettled(done)).find(({ status }) => status === "rejected");
        this.#scheduleGivingUp();
        if (failed?.status === "rejected") throw failed.reason;
      },
    });
  }

  get #id(): string {
    const { name } = this.ctx.id;
    if (name === undefined) throw new Error("a tenant is addressed by its name");
    return name;
  }

  get #isThere(): boolean {
    return this.#parts.store.tenant !== null;
  }

  #scheduleErasures(): void {
    const dueMs = this.#isThere ? this.#parts.erasures.dueMs : null;
    if (dueMs !== null) this.#alarms.schedule("erasures", dueMs);
  }

  #roundsOf(env: ObjectBindings): Rounds<RoomPolicy> {
    const options = {
      rooms: () => this.#parts.ledger().activeRooms,
      concerned: (rooms: readonly string[], concerns: readonly Concern[]) =>
        this.#parts.doors().concerned(rooms, concerns),
      policy: () => roomPolicyOf(this.#parts, null, Date.now()),
      tell: (room: string, policy: RoomPolicy, rooms: number) => roomStub(env, this.#id, room).heed(policy, rooms),
      book: (atMs: number) => this.#alarms.schedule("policy", atMs),
      isBooked: () => this.#alarms.has("policy"),
    };
    return new Rounds(options, Date.now());
  }

  async #decide<Made>(tenant: Decided, record: () => Made, concern: Concern | "edges" = everybody): Promise<Made> {
    const { store, revocations } = this.#parts;
    const made = store.transaction(() => {
      store.save(tenant);
      return record();
    });
    const overMs = revocations.dueMs;
    if (overMs !== null) this.#alarms.schedule("revocations", overMs);
    if (concern !== "edges") await this.#rounds.go(concern, Date.now());
    return made;
  }

  #record(used: Used): void {
    if (this.#parts.usage().record(used, Date.now())) this.#scheduleSweep();
  }

  /** Which uploads a room has as files. */
  readonly #heldBy = (room: string, ids: readonly string[]): Promise<readonly string[]> =>
    roomStub(this.env, this.#id, room).heldFiles(ids);

  #scheduleGivingUp(): void {
    if (!this.#isThere) return;
    for (const { dueMs } of [this.#parts.uploads(), this.#parts.endings])
      if (dueMs !== null) this.#alarms.schedule("uploads", dueMs);
  }

  #scheduleSweep(): void {
    const { dueMs } = this.#parts.usage();
    if (dueMs !== null) this.#alarms.schedule("usage", dueMs);
  }
}
