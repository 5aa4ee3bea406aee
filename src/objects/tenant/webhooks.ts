/** The webhook endpoints of a tenant: where they are, what they want, and which secret signs what they are sent. */
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Subscription, WebhookEndpoint, WebhookSettings } from "../../protocol/webhook.ts";
import type { Migration } from "../migrate.ts";

export const webhooksMigration: Migration = {
  id: "webhooks-1",
  sql: `
CREATE TABLE webhook (
  id              TEXT PRIMARY KEY,
  settings        TEXT    NOT NULL,         -- JSON: url, events, rooms, description, isEnabled, batch
  disabled_reason TEXT,                     -- where it was not somebody who administers
  enabled_at      INTEGER NOT NULL,         -- the last time
  version         INTEGER NOT NULL,         -- of the secret, which is derived from it and from
  master_key      INTEGER NOT NULL,         -- this version of the master key
  old_version     INTEGER,                  -- the secret before, with which it is signed too
  old_master_key  INTEGER,
  old_until       INTEGER,                  -- as long as this
  created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`,
};

/** From what a secret is derived, with the tenant's id and the endpoint's. */
export interface SecretName {
  readonly version: number;
  readonly masterKey: number;
}

export interface Webhook extends WebhookEndpoint {
  readonly enabledAtMs: number;
  readonly secret: SecretName;
  /** Null when its time is over. */
  readonly previous: (SecretName & { readonly untilMs: number }) | null;
}

/** What who administers has set. */
export function settingsOf({ url, events, rooms, description, isEnabled, batch }: WebhookSettings): WebhookSettings {
  return { url, events, rooms, description, isEnabled, batch };
}

export function subscriptionOf({ id, events, rooms }: Webhook): Subscription {
  return { id, events, ...(rooms === null ? {} : { rooms }) };
}

/** As it is shown. */
export function listingOf(webhook: Webhook): WebhookEndpoint {
  const { id, disabledReason, secretVersion, previousSecretUntil, createdAt } = webhook;
  return { id, ...settingsOf(webhook), disabledReason, secretVersion, previousSecretUntil, createdAt };
}

export class Webhooks {
  readonly #sql: SqlStorage;

  constructor({ sql }: DurableObjectStorage) {
    this.#sql = sql;
  }

  list(nowMs: number): Webhook[] {
    return this.#sql
      .exec<Row>("SELECT * FROM webhook ORDER BY created_at, id")
      .toArray()
      .map((row) => webhookOf(row, nowMs));
  }

  find(id: string, nowMs: number): Webhook | null {
    const [row] = this.#sql.exec<Row>("SELECT * FROM webhook WHERE id = ?", id).toArray();
    return row === undefined ? null : webhookOf(row, nowMs);
  }

  /** What rooms go by. Those that are disabled too: what waits for them is not lost by it. */
  subscriptions(nowMs: number): Subscription[] {
    return this.list(nowMs).map((webhook) => {
      return { ...subscriptionOf(webhook), ...(webhook.isEnabled ? {} : { isDisabled: true }) };
    });
  }

  /** Why there cannot be another one, or null. */
  get refusal(): Refusal | null {
    const { count } = this.#sql.exec<{ count: number }>("SELECT count(*) AS count FROM webhook").one();
    if (count < fixedLimits.webhooksPerTenant) return null;
    return refuse("quota_exceeded", `A tenant has at most ${fixedLimits.webhooksPerTenant} webhook endpoints.`);
  }

  /** Whether the secret of any is derived from this version of the master key. */
  hasSecretsOf(masterKey: number, nowMs: number): boolean {
    return this.list(nowMs).some(
      ({ secret, previous }) => secret.masterKey === masterKey || previous?.masterKey === masterKey,
    );
  }

  add(id: string, settings: WebhookSettings, masterKey: number, nowMs: number): void {
    this.#sql.exec(
      "INSERT INTO webhook (id, settings, enabled_at, version, master_key, created_at) VALUES (?1, ?2, ?4, 1, ?3, ?4)",
      id,
      JSON.stringify(settings),
      masterKey,
      nowMs,
    );
  }

  /** One that is enabled has been so from now on, with a clean slate, unless it was before. */
  save(id: string, settings: WebhookSettings, enabledAtMs: number, disabledReason: string | null): void {
    this.#sql.exec(
      "UPDATE webhook SET settings = ?, enabled_at = ?, disabled_reason = ? WHERE id = ?",
      JSON.stringify(settings),
      enabledAtMs,
      disabledReason,
      id,
    );
  }

  /** The secret of now is the one before until then; the one before it is none any more. */
  rotate(id: string, masterKey: number, untilMs: number): void {
    this.#sql.exec(
      `UPDATE webhook SET old_version = version, old_master_key = master_key, old_until = ?,
         version = version + 1, master_key = ? WHERE id = ?`,
      untilMs,
      masterKey,
      id,
    );
  }

  remove(id: string): void {
    this.#sql.exec("DELETE FROM webhook WHERE id = ?", id);
  }
}

type Row = {
  readonly id: string;
  readonly settings: string;
  readonly disabled_reason: string | null;
  readonly enabled_at: number;
  readonly version: number;
  readonly master_key: number;
  readonly old_version: number | null;
  readonly old_master_key: number | null;
  readonly old_until: number | null;
  readonly created_at: number;
};

function webhookOf(row: Row, nowMs: number): Webhook {
  const settings: WebhookSettings = JSON.parse(row.settings);
  const { old_version: version, old_master_key: masterKey, old_until: untilMs } = row;
  const isOver = version === null || masterKey === null || untilMs === null || untilMs <= nowMs;
  const previous = isOver ? null : { version, masterKey, untilMs };
  return {
    id: row.id,
    ...settings,
    disabledReason: row.disabled_reason,
    secretVersion: row.version,
    previousSecretUntil: previous?.untilMs ?? null,
    createdAt: row.created_at,
    enabledAtMs: row.enabled_at,
    secret: { version: row.version, masterKey: row.master_key },
    previous,
  };
}
