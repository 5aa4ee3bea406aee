/** One webhook endpoint of a tenant: its queue, and how what is in it gets there. */
import { DurableObject } from "cloudflare:workers";
import type { WebhookEvent } from "../../protocol/webhook.ts";
import { alarmsMigration } from "../alarms.ts";
import { isUntouched, migrate, type Migration } from "../migrate.ts";
import { Deliveries, deliveriesMigration } from "./deliveries.ts";

const migrations: readonly Migration[] = [alarmsMigration, deliveriesMigration];

export class WebhookEndpoint extends DurableObject {
  readonly #deliveries: Deliveries;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#deliveries = new Deliveries(ctx.storage);
    if (!isUntouched(ctx.storage)) migrate(ctx.storage, migrations);
  }

  /** Taken when it returns. An event that is known by its id changes nothing. */
  accept(events: readonly WebhookEvent[]): void {
    const { storage } = this.ctx;
    migrate(storage, migrations);
    const nowMs = Date.now();
    storage.transactionSync(() => {
      for (const event of events) if (!this.#deliveries.has(event.id)) this.#deliveries.add(event, null, nowMs);
    });
  }
}
