/** Every SQL statement a tenant runs. */
import type { Capability } from "../../protocol/capabilities.ts";
import { defaultTenantSettings, type LimitsPatch, type TenantSettings } from "../../protocol/policy.ts";
import type { RoomCounts } from "../account.ts";
import { isUntouched, migrate } from "../migrate.ts";
import { migrations } from "./migrations.ts";

export interface TenantState {
  readonly name: string;
  readonly version: number;
  readonly suspended: boolean;
  readonly settings: TenantSettings;
  readonly limits: LimitsPatch;
  readonly createdAtMs: number;
}

export interface Key {
  readonly id: string;
  readonly name: string | null;
  readonly capabilities: Capability[];
  readonly createdAt: number;
  readonly lastUsedAt: number | null;
}

export type NewKey = Pick<Key, "id" | "name" | "capabilities">;

export interface RoomListing {
  readonly name: string;
  readonly messages: number;
  readonly members: number;
  readonly online: number;
  readonly createdAt: number;
  readonly lastActivityAt: number | null;
}

export class Store {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  #tenant: TenantState | null = null;
  /** Rooms that there are; null until they are counted. */
  #roomCount: number | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    if (isUntouched(storage)) return;
    migrate(storage, migrations);
    this.#load();
  }

  /** Null for a tenant that was never created; then nothing has been written. */
  get tenant(): TenantState | null {
    return this.#tenant;
  }

  /** All or nothing; memory is read anew where it is nothing. */
  transaction<Made>(body: () => Made): Made {
    try {
      return this.#storage.transactionSync(body);
    } catch (error) {
      if (isUntouched(this.#storage)) this.#tenant = null;
      else this.#load();
      throw error;
    }
  }

  /** With its first key, or not at all: a tenant without one could not be administered. */
  create(
    { name, settings, limits }: Pick<TenantState, "name" | "settings" | "limits">,
    firstKey: NewKey,
    nowMs: number,
  ): void {
    migrate(this.#storage, migrations);
    this.#storage.transactionSync(() => {
      this.#sql.exec(
        "INSERT INTO tenant (one, name, version, suspended, settings, limits, created_at) VALUES (1, ?, 1, 0, ?, ?, ?)",
        name,
        JSON.stringify(settings),
        JSON.stringify(limits),
        nowMs,
      );
      this.addKey(firstKey, nowMs);
    });
    this.#load();
  }

  /** Every change of what the edge or a room goes by makes another version of the policy. */
  save({ name, suspended, settings, limits }: Omit<TenantState, "version" | "createdAtMs">): void {
    this.#sql.exec(
      "UPDATE tenant SET version = version + 1, name = ?, suspended = ?, settings = ?, limits = ?",
      name,
      suspended ? 1 : 0,
      JSON.stringify(settings),
      JSON.stringify(limits),
    );
    this.#load();
  }

  /** To be called when everything has been erased: from now on it is as if the tenant had never been. */
  forget(): void {
    this.#tenant = null;
  }

  #load(): void {
    const row = this.#sql
      .exec<{ name: string; version: number; suspended: number; settings: string; limits: string; created_at: number }>(
        "SELECT name, version, suspended, settings, limits, created_at FROM tenant",
      )
      .toArray()[0];
    this.#tenant =
      row === undefined
        ? null
        : {
            name: row.name,
            version: row.version,
            suspended: row.suspended === 1,
            createdAtMs: row.created_at,
            settings: { ...defaultTenantSettings, ...JSON.parse(row.settings) },
            limits: JSON.parse(row.limits),
          };
  }

  // Keys.

  keys(): Key[] {
    return this.#sql
      .exec<{ id: string; name: string | null; capabilities: string; created_at: number; last_used_at: number | null }>(
        "SELECT id, name, capabilities, created_at, last_used_at FROM key ORDER BY created_at, id",
      )
      .toArray()
      .map((row) => ({
        id: row.id,
        name: row.name,
        capabilities: JSON.parse(row.capabilities),
        createdAt: row.created_at,
        lastUsedAt: row.last_used_at,
      }));
  }

  /** A key's id begins with the version and a `k`, so this is a range of the table. */
  hasKeysOf(version: number): boolean {
    return (
      this.#sql.exec("SELECT 1 FROM key WHERE id > ? AND id < ? LIMIT 1", `${version}k`, `${version}l`).toArray()
        .length > 0
    );
  }

  addKey({ id, name, capabilities }: NewKey, nowMs: number): void {
    this.#sql.exec(
      "INSERT INTO key (id, name, capabilities, created_at) VALUES (?, ?, ?, ?)",
      id,
      name,
      JSON.stringify(capabilities),
      nowMs,
    );
  }

  removeKey(id: string): boolean {
    return this.#sql.exec("DELETE FROM key WHERE id = ? RETURNING id", id).toArray().length > 0;
  }

  /** To the minute: a write for each use would be one for each connection. */
  touchKey(id: string, nowMs: number): void {
    this.#sql.exec(
      "UPDATE key SET last_used_at = ?2 WHERE id = ?1 AND coalesce(last_used_at, 0) < ?2 - 60000",
      id,
      nowMs,
    );
  }

  // The directory of rooms.

  /** False when the name was deleted and is not to be made anew. */
  registerRoom(name: string, again: boolean, nowMs: number): boolean {
    const row = this.#sql
      .exec<{ deleted_at: number | null }>("SELECT deleted_at FROM room WHERE name = ?", name)
      .toArray()[0];
    if (row !== undefined && row.deleted_at !== null && !again) return false;
    this.#roomCount = null;
    this.#sql.exec(
      `INSERT INTO room (name, created_at, messages, members, online) VALUES (?1, ?2, 0, 0, 0)
       ON CONFLICT (name) DO UPDATE SET deleted_at = NULL, created_at = iif(deleted_at IS NULL, created_at, excluded.created_at)`,
      name,
      nowMs,
    );
    return true;
  }

  /** Stays listed as deleted, so that the name answers 410 and an erasure still finds it. */
  forgetRoom(name: string, nowMs: number): void {
    this.#roomCount = null;
    this.#sql.exec("UPDATE room SET deleted_at = ?, messages = 0, members = 0, online = 0 WHERE name = ?", nowMs, name);
  }

  reportRoom(name: string, { messages, members, online, lastActivityAtMs }: RoomCounts): void {
    this.#sql.exec(
      "UPDATE room SET messages = ?, members = ?, online = ?, last_activity_at = coalesce(?, last_activity_at) WHERE name = ? AND deleted_at IS NULL",
      messages,
      members,
      online,
      lastActivityAtMs,
      name,
    );
  }

  /** A range, not LIKE: a prefix may hold `_`, and a LIKE pattern is limited to 50 bytes. */
  rooms({ prefix, after, limit }: { prefix: string; after: string; limit: number }): RoomListing[] {
    return this.#sql
      .exec<{
        name: string;
        messages: number;
        members: number;
        online: number;
        created_at: number;
        last_activity_at: number | null;
      }>(
        `SELECT name, messages, members, online, created_at, last_activity_at FROM room
       WHERE name > ? AND name >= ? AND name < ? AND deleted_at IS NULL ORDER BY name LIMIT ?`,
        after,
        prefix,
        `${prefix}\u{10ffff}`,
        limit,
      )
      .toArray()
      .map((row) => ({
        name: row.name,
        messages: row.messages,
        members: row.members,
        online: row.online,
        createdAt: row.created_at,
        lastActivityAt: row.last_activity_at,
      }));
  }

  /** All there ever were, also deleted ones: each has an object of its own. */
  roomsToErase(after: string, limit: number): string[] {
    return this.#sql
      .exec<{ name: string }>("SELECT name FROM room WHERE name > ? ORDER BY name LIMIT ?", after, limit)
      .toArray()
      .map(({ name }) => name);
  }

  hasRoomsSince(sinceMs: number): boolean {
    return this.#sql.exec("SELECT 1 FROM room WHERE created_at >= ? LIMIT 1", sinceMs).toArray().length > 0;
  }

  /** Nothing is left of it. */
  dropRoom(name: string): void {
    this.#sql.exec("DELETE FROM room WHERE name = ?", name);
  }

  countRooms(): number {
    this.#roomCount ??= this.#sql
      .exec<{ rooms: number }>("SELECT count(*) AS rooms FROM room WHERE deleted_at IS NULL")
      .one().rooms;
    return this.#roomCount;
  }
}
