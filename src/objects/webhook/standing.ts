/** What an endpoint knows of itself: what its tenant says of it, for some seconds, and how it has fared. */
import { fixedLimits } from "../../protocol/limits.ts";
import type { Target } from "../../protocol/webhook.ts";
import type { Migration } from "../migrate.ts";

export const standingMigration: Migration = {
  id: "standing-1",
  sql: `
CREATE TABLE standing (
  one           INTEGER PRIMARY KEY CHECK (one = 1),
  target        TEXT,                       -- JSON, as the tenant has said it last
  failing_since INTEGER,                    -- since then nothing has arrived
  giving_up     TEXT                        -- why, while the tenant has not heard of it
) STRICT;
INSERT INTO standing (one) VALUES (1);
`,
};

export class Standing {
  readonly #sql: SqlStorage;
  readonly #ask: () => Promise<Target | null>;
  #askedAtMs = -Infinity;

  /** `ask` asks the tenant, which answers null where there is no such endpoint any more. */
  constructor({ sql }: DurableObjectStorage, ask: () => Promise<Target | null>) {
    this.#sql = sql;
    this.#ask = ask;
  }

  /** Null where the tenant has never said it. */
  get known(): Target | null {
    const { target } = this.#row;
    return target === null ? null : JSON.parse(target);
  }

  /** Null where it was said too long ago. */
  fresh(nowMs: number): Target | null {
    return nowMs < this.#askedAtMs + fixedLimits.webhookFreshMs ? this.known : null;
  }

  /** To be called when the tenant has decided something. */
  doubt(): void {
    this.#askedAtMs = -Infinity;
  }

  /** Not older than some seconds. Null where there is no such endpoint. Throws where the tenant cannot be asked. */
  async target(nowMs: number): Promise<Target | null> {
    const fresh = this.fresh(nowMs);
    if (fresh !== null) return fresh;
    const target = await this.#ask();
    if (target !== null) this.learn(target, nowMs);
    return target;
  }

  /** What the tenant has said just now. */
  learn(target: Target, nowMs: number): void {
    this.#askedAtMs = nowMs;
    this.#sql.exec("UPDATE standing SET target = ?", JSON.stringify(target));
  }

  /** Nothing is sent until the tenant has heard that it is to be disabled, and then it says so itself. */
  get givingUp(): string | null {
    return this.#row.giving_up;
  }

  giveUp(reason: string): void {
    this.#sql.exec("UPDATE standing SET giving_up = coalesce(giving_up, ?)", reason);
  }

  /** The tenant has heard it. */
  gaveUp(): void {
    this.#sql.exec("UPDATE standing SET giving_up = NULL");
    this.doubt();
  }

  get isFailing(): boolean {
    return this.failingSinceMs !== null;
  }

  /** Since then nothing has arrived; null where the last thing did. */
  get failingSinceMs(): number | null {
    return this.#row.failing_since;
  }

  arrived(): void {
    if (this.isFailing) this.#sql.exec("UPDATE standing SET failing_since = NULL");
  }

  /** How long nothing has arrived, counted from when it was enabled at the earliest. */
  failed({ enabledAtMs }: Target, nowMs: number): number {
    this.#sql.exec("UPDATE standing SET failing_since = coalesce(failing_since, ?)", nowMs);
    return nowMs - Math.max(this.#row.failing_since ?? nowMs, enabledAtMs);
  }

  get #row(): Row {
    return this.#sql.exec<Row>("SELECT target, failing_since, giving_up FROM standing").one();
  }
}

type Row = {
  readonly target: string | null;
  readonly failing_since: number | null;
  readonly giving_up: string | null;
};
