/** Who has hit which limit: told to the tenant's webhook endpoints now and then, not each time. */
import { fixedLimits } from "../../protocol/limits.ts";
import type { Refusal, RefusalCode } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import type { Migration } from "../migrate.ts";
import type { RoomParts } from "./parts.ts";

export const exceededMigration: Migration = {
  id: "exceeded-1",
  sql: `
CREATE TABLE exceeded (
  what TEXT    NOT NULL,
  user TEXT    NOT NULL,                    -- '' for the tenant's server
  at   INTEGER NOT NULL,                    -- when it was told
  PRIMARY KEY (what, user)
) STRICT, WITHOUT ROWID;
`,
};

/** Those that a limit of the tenant's, or of the deployment's, is behind. */
const codes: ReadonlySet<RefusalCode> = new Set(["rate_limited", "quota_exceeded", "connection_limit", "storage_full"]);
const remembered = 1_000;

/** When each was told. Its table is for a room that lost its memory meanwhile. */
export class Exceeded {
  readonly #sql: SqlStorage;
  readonly #toldAtMs = new Map<string, number>();

  constructor({ sql }: DurableObjectStorage) {
    this.#sql = sql;
  }

  /** Whether it is to be told now; then it is noted that it was. */
  isNews(what: string, user: string, nowMs: number): boolean {
    const key = `${what}\n${user}`;
    const overMs = nowMs - fixedLimits.exceededMs;
    const toldAtMs = this.#toldAtMs.get(key) ?? this.#read(what, user) ?? -Infinity;
    // A clock that was set back is not waited for.
    if (toldAtMs > overMs && toldAtMs <= nowMs) return false;
    if (this.#toldAtMs.size >= remembered) this.#toldAtMs.clear();
    this.#toldAtMs.set(key, nowMs);
    this.#sql.exec("DELETE FROM exceeded WHERE at <= ?", overMs);
    this.#sql.exec("INSERT OR REPLACE INTO exceeded (what, user, at) VALUES (?, ?, ?)", what, user, nowMs);
    return true;
  }

  erase(user: string): void {
    this.#sql.exec("DELETE FROM exceeded WHERE user = ?", user);
  }

  /** The room is no more. */
  forget(): void {
    this.#sql.exec("DELETE FROM exceeded");
    this.#toldAtMs.clear();
  }

  #read(what: string, user: string): number | undefined {
    return this.#sql
      .exec<{ at: number }>("SELECT at FROM exceeded WHERE what = ? AND user = ?", what, user)
      .toArray()[0]?.at;
  }
}

/** To be called with whatever somebody was refused in a room that exists. */
export function noteExceeded(parts: RoomParts, { user }: Session, refusal: Refusal, nowMs: number): void {
  const { error, limit } = refusal;
  if (!codes.has(error) || !parts.outbox.wants("limit.exceeded")) return;
  const scope = limit?.scope ?? null;
  if (!parts.exceeded.isNews(`${error} ${scope ?? ""}`, user ?? "", nowMs)) return;
  const hit = { error, scope, limit: limit?.limit ?? null, windowMs: limit?.windowMs ?? null };
  parts.outbox.add("limit.exceeded", { user, ...hit }, nowMs);
}
