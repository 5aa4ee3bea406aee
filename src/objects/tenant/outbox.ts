/**
 * What the tenant's webhook endpoints are to hear of the tenant itself. Written in the transaction of what was decided, for each
 * endpoint that wants it, and handed on after it, again and again until the endpoint has it. Beyond the limit nothing more is
 * written for one that takes nothing, and it is counted what is not.
 */
import { nanoid } from "nanoid";
import { wantedBy } from "../../core/subscriptions.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { WebhookEvent, WebhookEventType } from "../../protocol/webhook.ts";
import type { Migration } from "../migrate.ts";
import type { WebhookStub } from "../stubs.ts";
import type { Webhooks } from "./webhooks.ts";
import { namesUser } from "../webhook/naming.ts";

export const tenantOutboxMigration: Migration = {
  id: "outbox-1",
  sql: `
CREATE TABLE outbox (
  endpoint TEXT    NOT NULL,
  position INTEGER NOT NULL,
  event    TEXT    NOT NULL,                -- JSON
  PRIMARY KEY (endpoint, position)
) STRICT, WITHOUT ROWID;
`,
};

export const tenantOutboxLostMigration: Migration = {
  id: "outbox-2",
  sql: `
CREATE TABLE outbox_lost (
  endpoint TEXT    PRIMARY KEY,
  events   INTEGER NOT NULL,                -- for which there was no place
  at       INTEGER NOT NULL                 -- the last of them
) STRICT, WITHOUT ROWID;
`,
};

/** Events that were never written down, and when the last of them happened. */
export interface Lost {
  readonly events: number;
  readonly atMs: number | null;
}

/** Handed on in one call. */
const batch = 100;
/** When the alarm hands on what was lost on its way at first. */
const againAfterMs = 10_000;

export interface OutboxOptions {
  readonly tenant: () => string;
  readonly sql: SqlStorage;
  readonly webhooks: Webhooks;
  readonly endpoint: (id: string) => Pick<WebhookStub, "accept">;
  /** Is to call `ring` by an alarm. */
  readonly book: (atMs: number) => void;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #underway = new Set<string>();
  #isNew = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** To be called where it is decided: inside its transaction. `room` where it concerns one. */
  add(type: WebhookEventType, data: object, nowMs: number, room: string | null = null): void {
    const { webhooks, tenant } = this.#options;
    const endpoints = wantedBy(webhooks.subscriptions(nowMs), room, type);
    if (endpoints.length === 0) return;
    const event: WebhookEvent = { id: nanoid(), type, atMs: nowMs, tenant: tenant(), room, data };
    for (const endpoint of endpoints) if (!this.#write(endpoint, event)) this.#lose(endpoint, nowMs);
    if (this.#isNew) return;
    this.#isNew = true;
    // When the transaction is over, but in the same event: the platform commits the booking with it.
    queueMicrotask(() => {
      this.#isNew = false;
      this.ring(Date.now());
    });
  }

  /** For which there was no place, ever. */
  lost(endpoint: string): Lost {
    const [row] = this.#options.sql
      .exec<{ events: number; at: number }>("SELECT events, at FROM outbox_lost WHERE endpoint = ?", endpoint)
      .toArray();
    return { events: row?.events ?? 0, atMs: row?.at ?? null };
  }

  /** The endpoint is no more. */
  forget(endpoint: string): void {
    this.#options.sql.exec("DELETE FROM outbox_lost WHERE endpoint = ?", endpoint);
  }

  /** What says something of a user is told no more. */
  erase(user: string): void {
    this.#options.sql.exec(`DELETE FROM outbox WHERE ${namesUser("event", "?")}`, user);
  }

  /** Until nothing waits any more. It waits for nobody. */
  ring(nowMs: number): void {
    const { sql, book } = this.#options;
    const waiting = sql.exec<{ endpoint: string }>("SELECT DISTINCT endpoint FROM outbox").toArray();
    if (waiting.length === 0) return;
    book(nowMs + againAfterMs);
    // Each beside the others; the alarm is the one to try again.
    for (const { endpoint } of waiting) if (!this.#underway.has(endpoint)) void this.#serve(endpoint);
  }

  async #serve(endpoint: string): Promise<void> {
    this.#underway.add(endpoint);
    try {
      for (let rows = this.#oldest(endpoint); rows.length > 0; rows = this.#oldest(endpoint)) {
        // Also where it answers that it is no more: then it is not for anybody.
        await this.#options.endpoint(endpoint).accept(rows.map(({ event }): WebhookEvent => JSON.parse(event)));
        this.#options.sql.exec(
          "DELETE FROM outbox WHERE endpoint = ? AND position <= ?",
          endpoint,
          rows.at(-1)?.position ?? 0,
        );
      }
    } catch {
      // The alarm tries again; a tenant that has been erased meanwhile has none.
    } finally {
      this.#underway.delete(endpoint);
    }
  }

  /** False where there is no place. */
  #write(endpoint: string, event: WebhookEvent): boolean {
    return (
      this.#options.sql
        .exec(
          `INSERT INTO outbox (endpoint, position, event)
           SELECT ?1, coalesce(max(position), 0) + 1, ?2 FROM outbox WHERE endpoint = ?1
           HAVING coalesce(max(position) - min(position), -1) + 1 < ?3 RETURNING 1`,
          endpoint,
          JSON.stringify(event),
          fixedLimits.outboxEvents,
        )
        .toArray().length > 0
    );
  }

  #lose(endpoint: string, nowMs: number): void {
    this.#options.sql.exec(
      "INSERT INTO outbox_lost (endpoint, events, at) VALUES (?, 1, ?) ON CONFLICT DO UPDATE SET events = events + 1, at = excluded.at",
      endpoint,
      nowMs,
    );
  }

  #oldest(endpoint: string): { readonly position: number; readonly event: string }[] {
    return this.#options.sql
      .exec<{ position: number; event: string }>(
        "SELECT position, event FROM outbox WHERE endpoint = ? ORDER BY position LIMIT ?",
        endpoint,
        batch,
      )
      .toArray();
  }
}
