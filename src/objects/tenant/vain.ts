/** What was brought of files in vain: cut off, too long or wrong. It is stored nowhere, but on one machine it lies on the disk for an hour. */
import { overVain } from "../../core/uploadQuota.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Refusal } from "../../protocol/refusals.ts";
import type { Migration } from "../migrate.ts";

export const vainMigration: Migration = {
  id: "uploads-3",
  sql: `
CREATE TABLE upload_vain (
  one   INTEGER PRIMARY KEY CHECK (one = 1),
  day   INTEGER NOT NULL,                    -- since the epoch
  bytes INTEGER NOT NULL                     -- on that day
) STRICT;
INSERT INTO upload_vain (one, day, bytes) VALUES (1, 0, 0);
`,
};

const dayMs = 86_400_000;

/** Only of a tenant that exists. */
export class Vain {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  add(bytes: number, nowMs: number): void {
    const day = Math.floor(nowMs / dayMs);
    // A clock that was set back gives nobody another day.
    this.#sql.exec(
      "UPDATE upload_vain SET bytes = iif(day < ?1, 0, bytes) + ?2, day = max(day, ?1)",
      day,
      Math.max(0, bytes),
    );
  }

  /** Null while more may be brought. */
  refusal(limits: Limits, nowMs: number): Refusal | null {
    const { day, bytes } = this.#sql.exec<{ day: number; bytes: number }>("SELECT day, bytes FROM upload_vain").one();
    return overVain(day < Math.floor(nowMs / dayMs) ? 0 : bytes, limits, nowMs);
  }
}
