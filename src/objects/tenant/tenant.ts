/** One tenant: its keys, its settings and limits, and the directory of its rooms. */
import { DurableObject } from "cloudflare:workers";
import { differenceOf } from "../../core/difference.ts";
import type { Actor } from "../../protocol/actor.ts";
import type { AuditPage, Deed } from "../../protocol/audit.ts";
import type { Ban } from "../../protocol/ban.ts";
import type { Capability } from "../../protocol/capabilities.ts";
import { issuerKey } from "../../protocol/issuer.ts";
import { defaultLimits, fixedLimits, type Limits, tenantLimits } from "../../protocol/limits.ts";
import {
  defaultTenantSettings,
  type LimitsPatch,
  type Policy,
  type RoomPolicy,
  type TenantSettings,
} from "../../protocol/policy.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Issued, Revocation } from "../../protocol/revocation.ts";
import type { LimitLevel } from "../../protocol/serverFrames.ts";
import type { UsageSpan } from "../../protocol/usage.ts";
import type { Grant, Statement } from "../account.ts";
import { Alarms } from "../alarms.ts";
import { directoryStub, type ObjectBindings, roomStub } from "../stubs.ts";
import { Deletion, filesOf } from "./deletion.ts";
import { Tickets, type TicketUse } from "../tickets.ts";
import { AuditLog, type AuditQuery } from "./audit.ts";
import { type BanListing, TenantBans } from "./bans.ts";
import { type Flag, type FlagQuery, Flags, type NewFlag } from "./flags.ts";
import { type IssuerListing, Issuers, type NewIssuer } from "./issuers.ts";
import { Ledger } from "./ledger.ts";
import { auditedRevocation, type NewRevocation, type RevocationListing, Revocations } from "./revocations.ts";
import { policyGoneMs, Rounds } from "./rounds.ts";
import { type Key, type NewKey, type RoomListing, Store, type TenantState } from "./store.ts";
import { type Metrics, Usage, type UsageQuery, type Used } from "./usage.ts";

export interface TenantProfile {
  readonly id: string;
  readonly name: string;
  readonly suspended: boolean;
  readonly deleting: boolean;
  readonly settings: TenantSettings;
  readonly limits: Limits;
  readonly createdAt: number;
}

/** What is not named keeps its value. */
export interface TenantPatch {
  readonly name?: string | undefined;
  readonly settings?: { readonly [Name in keyof TenantSettings]?: TenantSettings[Name] | undefined } | undefined;
  readonly limits?: LimitsPatch | undefined;
}

/** When what could not be erased is tried again. */
const retryAfterMs = 30_000;

type Answer<T> = ({ readonly ok: true } & T) | Refusal;

export class Tenant extends DurableObject<ObjectBindings & Cloudflare.Env> {
  readonly #store: Store;
  readonly #alarms: Alarms<"policy" | "revocations" | "tickets" | "deletion" | "usage">;
  readonly #tickets: Tickets;
  readonly #audit: AuditLog;
  readonly #deletion: Deletion;
  readonly #rounds: Rounds<RoomPolicy>;
  /** Made when they are first needed: a tenant that was never created has no tables. */
  #ledger: Ledger | null = null;
  #usage: Usage | null = null;
  readonly #issuers: Issuers;
  readonly #flags: Flags;
  readonly #revocations: Revocations;
  readonly #bans: TenantBans;

  constructor(ctx: DurableObjectState, env: ObjectBindings & Cloudflare.Env) {
    super(ctx, env);
    this.#store = new Store(ctx.storage);
    this.#alarms = new Alarms(ctx.storage);
    this.#tickets = new Tickets(ctx.storage);
    this.#audit = new AuditLog(ctx.storage, () => this.#id);
    const rounds = {
      rooms: () => this.#ledgerOf().activeRooms,
      policy: () => this.#roomPolicy(this.#tenantOf()),
      tell: (room: string, policy: RoomPolicy, rooms: number) => roomStub(env, this.#id, room).heed(policy, rooms),
      book: (atMs: number) => this.#alarms.schedule("policy", atMs),
    };
    this.#rounds = new Rounds(rounds, Date.now());
    this.#issuers = new Issuers(ctx.storage);
    this.#flags = new Flags(ctx.storage);
    this.#bans = new TenantBans(ctx.storage);
    this.#deletion = new Deletion({
      storage: ctx.storage,
      store: this.#store,
      files: () => ({ bucket: env.UPLOADS, prefix: filesOf(this.#id) }),
      dissolve: (room) => roomStub(env, this.#id, room).dissolve(),
      bury: () => directoryStub(env).bury(this.#id),
    });
    this.#revocations = new Revocations(ctx.storage);
  }

  // Calls from the operator's plane.

  /** Refused where the tenant exists, whoever made it. */
  create(
    { name, limits = {}, ...patch }: TenantPatch & { readonly name: string },
    firstKey: NewKey,
    actor: Actor,
  ): Answer<{ tenant: TenantProfile }> {
    if (this.#store.tenant !== null || this.#deletion.isOver) return refuse("conflict", "The id is taken.");
    const settings = { ...defaultTenantSettings, ...defined(patch.settings) };
    const nowMs = Date.now();
    this.#store.transaction(() => {
      this.#store.create({ name, settings, limits }, firstKey, nowMs);
      this.#audit.append(
        actor,
        "tenant.created",
        { after: { name, settings, limits: defined(limits), key: firstKey.id } },
        nowMs,
      );
    });
    return this.describe();
  }

  async setSuspended(suspended: boolean, actor: Actor): Promise<Answer<{ tenant: TenantProfile }>> {
    const living = this.#living();
    if (!living.ok) return living;
    const { tenant } = living;
    if (tenant.suspended !== suspended) {
      const action = suspended ? "tenant.suspended" : "tenant.resumed";
      await this.#decide({ ...tenant, suspended }, () => this.#audit.append(actor, action, {}, Date.now()));
    }
    return this.describe();
  }

  /** Suspends it for ever, and begins to erase everything of it. Safe to ask again, until there is no such tenant. */
  async delete(actor: Actor): Promise<Answer<{ tenant: TenantProfile }>> {
    const tenant = this.#store.tenant;
    if (tenant === null) return unknownTenant();
    const nowMs = Date.now();
    // When no edge holds an older policy, nobody comes in any more whom the erasure would have to chase.
    this.#alarms.schedule("deletion", nowMs + policyGoneMs);
    if (this.#deletion.isBegun) return this.describe();
    await this.#decide({ ...tenant, suspended: true }, () => {
      this.#deletion.begin(nowMs);
      this.#audit.append(actor, "tenant.deleted", {}, nowMs);
    });
    return this.describe();
  }

  // Calls from the tenant's plane.

  describe(): Answer<{ tenant: TenantProfile }> {
    const tenant = this.#store.tenant;
    return tenant === null ? unknownTenant() : { ok: true, tenant: this.#profile(tenant) };
  }

  async update({ name, settings, limits }: TenantPatch, actor: Actor): Promise<Answer<{ tenant: TenantProfile }>> {
    const living = this.#living();
    if (!living.ok) return living;
    const { tenant } = living;
    const updated = {
      ...tenant,
      name: name ?? tenant.name,
      settings: { ...tenant.settings, ...defined(settings) },
      limits: { ...tenant.limits, ...defined(limits) },
    };
    const changed = differenceOf(auditedOf(tenant), auditedOf(updated));
    await this.#decide(updated, () => {
      if (changed !== null) this.#audit.append(actor, "tenant.updated", changed, Date.now());
    });
    return this.describe();
  }

  keys(): Key[] {
    return this.#store.tenant === null ? [] : this.#store.keys();
  }

  /** Whether any key was made by this version of the master key: without it they open nothing. */
  hasKeysOf(version: number): boolean {
    return this.#store.tenant !== null && this.#store.hasKeysOf(version);
  }

  async addKey(key: NewKey, actor: Actor): Promise<Answer<object>> {
    const living = this.#living();
    if (!living.ok) return living;
    const { tenant } = living;
    if (this.#store.keys().length >= fixedLimits.keysPerTenant)
      return refuse("quota_exceeded", `A tenant has at most ${fixedLimits.keysPerTenant} keys.`);
    const { id, name, capabilities } = key;
    const nowMs = Date.now();
    await this.#decide(tenant, () => {
      this.#store.addKey(key, nowMs);
      this.#audit.append(actor, "key.created", { target: { key: id }, after: { name, capabilities } }, nowMs);
    });
    return { ok: true };
  }

  async removeKey(id: string, actor: Actor): Promise<Answer<object>> {
    const living = this.#living();
    if (!living.ok) return living;
    const { tenant } = living;
    const keys = this.keys();
    const removed = keys.find((key) => key.id === id);
    if (removed === undefined) return refuse("not_found", "There is no such key.");
    if (!keys.some((key) => key.id !== id && key.capabilities.includes("admin")))
      return refuse("conflict", "At least one key with `admin` must remain.");
    const { name, capabilities } = removed;
    await this.#decide(tenant, () => {
      this.#store.removeKey(id);
      this.#endSessionsOf(id);
      this.#audit.append(actor, "key.removed", { target: { key: id }, before: { name, capabilities } }, Date.now());
    });
    return { ok: true };
  }

  issuers(): IssuerListing[] {
    return this.#store.tenant === null ? [] : this.#issuers.list();
  }

  async addIssuer(issuer: NewIssuer, actor: Actor): Promise<Answer<{ issuer: IssuerListing }>> {
    const living = this.#living();
    if (!living.ok) return living;
    const { tenant } = living;
    const refused = this.#issuers.refusal(issuer);
    if (refused !== null) return refused;
    const { id, ...after } = issuer;
    const createdAt = Date.now();
    await this.#decide(tenant, () => {
      this.#issuers.add(issuer, createdAt);
      this.#audit.append(actor, "issuer.created", { target: { issuer: id }, after }, createdAt);
    });
    return { ok: true, issuer: { ...issuer, createdAt } };
  }

  async removeIssuer(id: string, actor: Actor): Promise<Answer<object>> {
    const living = this.#living();
    if (!living.ok) return living;
    const { tenant } = living;
    const removed = this.#issuers.list().find((issuer) => issuer.id === id);
    if (removed === undefined) return refuse("not_found", "There is no such identity provider.");
    const { id: _, createdAt: __, ...before } = removed;
    await this.#decide(tenant, () => {
      this.#issuers.remove(id);
      this.#endSessionsOf(issuerKey(id));
      this.#audit.append(actor, "issuer.removed", { target: { issuer: id }, before }, Date.now());
    });
    return { ok: true };
  }

  /** Null lifts the ban. Rooms that have sockets hear of it at once, and every edge within seconds. */
  async ban(user: string, ban: Ban | null, actor: Actor): Promise<Answer<object>> {
    const living = this.#living();
    if (!living.ok) return living;
    const nowMs = Date.now();
    const changed = differenceOf(auditedBan(this.#bans.find(user, nowMs)), auditedBan(ban));
    if (changed === null) return { ok: true };
    await this.#decide(living.tenant, () => {
      if (ban === null) this.#bans.lift(user);
      else this.#bans.save(user, ban, nowMs);
      this.#audit.append(
        actor,
        ban === null ? "user.unbanned" : "user.banned",
        { target: { user }, ...changed },
        nowMs,
      );
    });
    return { ok: true };
  }

  bans(bounds: { readonly after: string; readonly limit: number }): BanListing[] {
    return this.#store.tenant === null ? [] : this.#bans.list(bounds, Date.now());
  }

  /** For an edge whose policy does not list them all. */
  banOf(user: string): Ban | null {
    return this.#store.tenant === null ? null : this.#bans.find(user, Date.now());
  }

  /** Answered at once: the room's user waits for it. */
  flag(flag: NewFlag): Answer<{ flag: Flag; isNew: boolean }> {
    const living = this.#living();
    return living.ok ? { ok: true, ...this.#flags.add(flag, Date.now()) } : living;
  }

  flags(query: FlagQuery): Flag[] {
    return this.#store.tenant === null ? [] : this.#flags.list(query);
  }

  resolveFlag(id: number, note: string | null, actor: Actor): Answer<{ flag: Flag }> {
    const living = this.#living();
    if (!living.ok) return living;
    const before = this.#flags.find(id);
    if (before === null) return refuse("not_found", "There is no such flag.");
    const nowMs = Date.now();
    const after = {
      ...before,
      state: "resolved" as const,
      note: note ?? before.note,
      resolvedAt: before.resolvedAt ?? nowMs,
    };
    const changed = differenceOf(noteOf(before), noteOf(after));
    if (changed === null) return { ok: true, flag: before };
    const { room, message, sender } = before;
    const target = { room, message, ...(sender === null ? {} : { user: sender }) };
    this.#store.transaction(() => {
      this.#flags.resolve(id, note, nowMs);
      this.#audit.append(actor, "flag.resolved", { target, ...changed }, nowMs);
    });
    return { ok: true, flag: after };
  }

  /** Whoever knows it can speak for Parley to the tenant's hook. */
  noteHookSecret(actor: Actor): Answer<object> {
    if (this.#store.tenant === null) return unknownTenant();
    this.#audit.append(actor, "hook.secret_shown", {}, Date.now());
    return { ok: true };
  }

  async revoke(asked: NewRevocation, actor: Actor): Promise<Answer<{ revocation: RevocationListing }>> {
    const living = this.#living();
    if (!living.ok) return living;
    const { tenant } = living;
    const nowMs = Date.now();
    const refused = this.#unknownKey(asked.key) ?? this.#revocations.refusal(asked, nowMs);
    if (refused !== null) return refused;
    const revocation = await this.#decide(tenant, () => {
      const made = this.#revocations.add(asked, this.#tenantOf().version, nowMs);
      this.#audit.append(actor, "revocation.created", auditedRevocation(made), nowMs);
      return made;
    });
    return { ok: true, revocation };
  }

  /** Those in force with an id below `before`, the newest first. */
  revocations(page: { readonly before: number; readonly limit: number }): RevocationListing[] {
    return this.#store.tenant === null ? [] : this.#revocations.list(page, Date.now());
  }

  rooms(query: { prefix: string; after: string; limit: number }): RoomListing[] {
    return this.#store.tenant === null ? [] : this.#store.rooms(query);
  }

  audit(query: AuditQuery): Answer<AuditPage> {
    return this.#store.tenant === null ? unknownTenant() : { ok: true, ...this.#audit.page(query) };
  }

  usage(query: UsageQuery): Answer<{ items: UsageSpan[] }> {
    const tenant = this.#store.tenant;
    if (tenant === null) return unknownTenant();
    return { ok: true, items: this.#usageOf().page(query, tenant.createdAtMs, Date.now()) };
  }

  /** How it stands now. What is counted is all stored, so that it never goes back. */
  metrics(): Answer<{ metrics: Metrics }> {
    const tenant = this.#store.tenant;
    if (tenant === null) return unknownTenant();
    const rooms = { rooms: this.#store.countRooms(), activeRooms: this.#ledgerOf().activeRooms.length };
    const reading = this.#usageOf().reading(Date.now());
    return { ok: true, metrics: { ...reading, ...rooms, policyVersion: tenant.version } };
  }

  // Calls from the edge and from rooms.

  /** What the edge goes by for the next seconds; null for a tenant that does not exist. `usedKey` is noted as used, if it is an API key. */
  policy(usedKey: string | null): Policy | null {
    const tenant = this.#store.tenant;
    if (tenant === null) return null;
    if (usedKey !== null) this.#store.touchKey(usedKey, Date.now());
    const keys = Object.fromEntries(
      this.#store.keys().map(({ id, capabilities }): [string, Capability[]] => [id, capabilities]),
    );
    const { version, suspended, settings } = tenant;
    const issuers = this.#issuers.inForce();
    const nowMs = Date.now();
    const judged = { ...this.#revocations.inForce(nowMs), ...this.#bans.inForce(nowMs) };
    return { tenant: this.#id, version, suspended, keys, issuers, settings, limits: limitsOf(tenant), ...judged };
  }

  /** By which revocation each of these is revoked: for whoever does not hold them all. */
  revocationsOf(sessions: readonly Issued[]): (Revocation | null)[] {
    if (this.#store.tenant === null) return sessions.map(() => null);
    const nowMs = Date.now();
    return sessions.map((session) => this.#revocations.find(session, nowMs));
  }

  registerRoom(name: string, again: boolean): Answer<{ policy: RoomPolicy }> {
    const tenant = this.#store.tenant;
    if (tenant === null) return unknownTenant();
    if (tenant.suspended) return refuse("tenant_suspended");
    return this.#store.registerRoom(name, again, Date.now())
      ? { ok: true, policy: this.#roomPolicy(tenant) }
      : refuse("room_deleted");
  }

  forgetRoom(name: string): void {
    if (this.#store.tenant === null) return;
    this.#store.forgetRoom(name, Date.now());
    const ledger = this.#ledgerOf();
    ledger.forget(name);
    this.#record({ room: name, counts: null, connections: ledger.connections, creditsRefused: 0 });
  }

  /** The limits in force, and what is left of those that all rooms share. */
  limits(): Answer<{ limits: Limits; levels: LimitLevel[] }> {
    const tenant = this.#store.tenant;
    if (tenant === null) return unknownTenant();
    const limits = limitsOf(tenant);
    const ledger = this.#ledgerOf();
    return { ok: true, limits, levels: [...ledger.levels(limits, Date.now()), ledger.placesLevel(limits)] };
  }

  /** A room says how it stands, and takes credits and places in advance. */
  account(statement: Statement): Grant | Refusal {
    const tenant = this.#store.tenant;
    if (tenant === null) return unknownTenant();
    const { room, counts, policyVersion } = statement;
    if (counts !== null) this.#store.reportRoom(room, counts);
    const ledger = this.#ledgerOf();
    const granted = ledger.settle(statement, limitsOf(tenant), Date.now());
    const creditsRefused = statement.credits - granted.credits;
    this.#record({ room, counts, connections: ledger.connections, creditsRefused });
    return { ...granted, policy: tenant.version > policyVersion ? this.#roomPolicy(tenant, policyVersion) : null };
  }

  /** What a room has done, for the audit log. It may be told again. */
  recordDeeds(room: string, deeds: readonly Deed[]): void {
    if (this.#store.tenant === null) return;
    this.#store.transaction(() => {
      for (const deed of deeds) this.#audit.record(room, deed);
    });
  }

  /** False when the ticket was used before. */
  useTicket(use: TicketUse): boolean {
    if (this.#store.tenant === null || !this.#tickets.use(use)) return false;
    this.#alarms.schedule("tickets", this.#tickets.dueMs ?? Date.now());
    return true;
  }

  // Events from the platform.

  override async alarm(): Promise<void> {
    // One that rang while everything was erased.
    if (this.#store.tenant === null) return;
    await this.#alarms.run(Date.now(), {
      policy: () => this.#rounds.goAgain(Date.now()),
      revocations: () => {
        this.#revocations.sweep(Date.now());
        const nextMs = this.#revocations.dueMs;
        if (nextMs !== null) this.#alarms.schedule("revocations", nextMs);
      },
      deletion: async () => {
        const next = await this.#deletion.step();
        if (next === "over") this.#alarms.forget();
        else this.#alarms.schedule("deletion", Date.now() + (next === "next" ? 0 : retryAfterMs));
      },
      tickets: () => {
        this.#tickets.sweep(Date.now());
        const nextMs = this.#tickets.dueMs;
        if (nextMs !== null) this.#alarms.schedule("tickets", nextMs);
      },
      usage: () => {
        this.#usageOf().sweep(Date.now());
        this.#scheduleSweep();
      },
    });
  }

  get #id(): string {
    const { name } = this.ctx.id;
    if (name === undefined) throw new Error("a tenant is addressed by its name");
    return name;
  }

  /** The tenant, unless it is at its end: then nothing of it is changed any more. */
  #living(): Answer<{ readonly tenant: TenantState }> {
    const { tenant } = this.#store;
    if (tenant === null) return unknownTenant();
    return this.#deletion.isBegun ? refuse("conflict", "The tenant is being deleted.") : { ok: true, tenant };
  }

  #profile(tenant: TenantState): TenantProfile {
    const { name, suspended, settings, createdAtMs } = tenant;
    const deleting = this.#deletion.isBegun;
    return { id: this.#id, name, suspended, deleting, settings, limits: limitsOf(tenant), createdAt: createdAtMs };
  }

  /** For a room that goes by the policy `since`, or by one that is not known. */
  #roomPolicy(tenant: TenantState, since: number | null = null): RoomPolicy {
    const { version, suspended, settings } = tenant;
    const { autoCreate, words, hook } = settings;
    const nowMs = Date.now();
    const revocations = this.#revocations.since(since, nowMs);
    const bans = this.#bans.ofRooms(nowMs);
    return { version, suspended, limits: limitsOf(tenant), autoCreate, words, hook, bans, ...revocations };
  }

  #unknownKey(key: string | null): Refusal | null {
    const isKnown =
      key === null ||
      this.keys().some(({ id }) => id === key) ||
      this.issuers().some(({ id }) => issuerKey(id) === key);
    return isKnown ? null : refuse("not_found", "There is no such key.");
  }

  /** In the same step in which it is removed. */
  #endSessionsOf(key: string): void {
    this.#revocations.endSessionsOf(key, this.#tenantOf().version, Date.now());
  }

  /**
   * Saves what is decided with its record, and tells every room that has sockets: now, and once more when no edge can hold an older policy. A
   * room that has none asks for places before it lets the first one in, and is told then.
   */
  async #decide<Made>(tenant: Omit<TenantState, "version" | "createdAtMs">, record: () => Made): Promise<Made> {
    const made = this.#store.transaction(() => {
      this.#store.save(tenant);
      return record();
    });
    const overMs = this.#revocations.dueMs;
    if (overMs !== null) this.#alarms.schedule("revocations", overMs);
    await this.#rounds.go(Date.now());
    return made;
  }

  #tenantOf(): TenantState {
    const { tenant } = this.#store;
    if (tenant === null) throw new Error("the tenant does not exist");
    return tenant;
  }

  #record(used: Used): void {
    if (this.#usageOf().record(used, Date.now())) this.#scheduleSweep();
  }

  #scheduleSweep(): void {
    const { dueMs } = this.#usageOf();
    if (dueMs !== null) this.#alarms.schedule("usage", dueMs);
  }

  #usageOf(): Usage {
    this.#usage ??= new Usage(this.ctx.storage.sql);
    return this.#usage;
  }

  #ledgerOf(): Ledger {
    this.#ledger ??= new Ledger(this.ctx.storage.sql);
    return this.#ledger;
  }
}

/** What the audit log says of a ban. */
function auditedBan(ban: Ban | null): { until: number | null; shadow: boolean | null; reason: string | null } {
  const { untilMs: until = null, shadow = null, reason = null } = ban ?? {};
  return { until, shadow, reason };
}

/** What the audit log says of a flag. */
function noteOf({ state, note }: Flag): Pick<Flag, "state" | "note"> {
  return { state, note };
}

/** What the audit log says of a tenant: the limits as they are in force. */
function auditedOf(tenant: TenantState): Pick<TenantState, "name" | "settings"> & { limits: Limits } {
  return { name: tenant.name, settings: tenant.settings, limits: limitsOf(tenant) };
}

/** A burst is twice its rate unless it is set itself. */
function limitsOf({ limits }: TenantState): Limits {
  const set = defined(limits);
  const bursts = bucketNames
    .filter((bucket) => set[`${bucket}PerSecond`] !== undefined)
    .map((bucket) => [
      `${bucket}Burst`,
      Math.min(tenantLimits[`${bucket}Burst`].ceiling, 2 * (set[`${bucket}PerSecond`] ?? 0)),
    ]);
  return { ...defaultLimits, ...Object.fromEntries(bursts), ...set };
}

const bucketNames = ["publishPerUser", "publishPerRoom", "publishPerTenant", "framesPerSocket"] as const;

function unknownTenant(): Refusal {
  return refuse("not_found", "There is no such tenant.");
}

/** Without the fields that are undefined: a spread would overwrite with them. */
function defined<T extends object>(patch: T | undefined): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(patch ?? {}).filter(([, value]) => value !== undefined)) as {
    [Name in keyof T]?: Exclude<T[Name], undefined>;
  };
}
