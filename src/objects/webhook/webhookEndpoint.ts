/** One webhook endpoint of a tenant: its queue, and how what is in it gets there. */
import { DurableObject } from "cloudflare:workers";
import { nanoid } from "nanoid";
import { fixedLimits } from "../../protocol/limits.ts";
import { refuse } from "../../protocol/refusals.ts";
import {
  type Delivery,
  type DeliveryDetails,
  type DeliveryQuery,
  type QueueState,
  type ReplaySpan,
  type Target,
  type TestResult,
  testEventType,
  type WebhookEvent,
} from "../../protocol/webhook.ts";
import { Alarms, alarmsMigration } from "../alarms.ts";
import { isUntouched, migrate, type Migration } from "../migrate.ts";
import type { Answer } from "../tenant/parts.ts";
import { parseWebhookObjectName, type RoomBindings, roomStub, tenantStub } from "../stubs.ts";
import { eventBody } from "./body.ts";
import { Courier } from "./courier.ts";
import { Deliveries, deliveriesMigration } from "./deliveries.ts";
import { Kept } from "./kept.ts";
import { replay, type Replayed } from "./replay.ts";
import { send } from "./send.ts";
import { Standing, standingMigration } from "./standing.ts";

const migrations: readonly Migration[] = [alarmsMigration, deliveriesMigration, standingMigration];

/** When the alarm begins what should have begun at once. */
const againAfterMs = 5_000;
const sweepEveryMs = 3_600_000;
/** What was retried by hand is younger than its number says, and would hide how old the others are. */
const sweepAtLatestMs = 86_400_000;
const waitedTooLong = { status: null, error: "it waited too long" };

interface Parts {
  readonly deliveries: Deliveries;
  readonly kept: Kept;
  readonly standing: Standing;
  readonly courier: Courier;
}

export class WebhookEndpoint extends DurableObject<RoomBindings & Cloudflare.Env> {
  readonly #alarms: Alarms<"deliver" | "giveUp" | "sweep">;
  #parts: Parts;
  #isProbing = false;

  constructor(ctx: DurableObjectState, env: RoomBindings & Cloudflare.Env) {
    super(ctx, env);
    this.#alarms = new Alarms(ctx.storage);
    this.#parts = this.#assemble();
    if (this.#isThere) migrate(ctx.storage, migrations);
  }

  // Calls from rooms and from the tenant.

  /** False where there is no such endpoint. Events are taken when it returns; one that is known by its id changes nothing. */
  async accept(events: readonly WebhookEvent[]): Promise<boolean> {
    const parts = this.#parts;
    const target = await this.#known();
    return target !== null && this.#take(events, { target, parts }, ({ id }) => parts.deliveries.has(id));
  }

  /** The tenant has decided something about it. */
  heed(): void {
    if (!this.#isThere) return;
    this.#parts.standing.doubt();
    this.#go();
  }

  /** What says something of a user is sent no more. */
  erase(user: string): void {
    if (this.#isThere) this.ctx.storage.transactionSync(() => this.#parts.deliveries.erase(user));
  }

  /** As if it had never been. */
  dissolve(): void {
    this.#parts.courier.stop();
    if (this.#isThere) void this.ctx.storage.deleteAll();
    this.#alarms.forget();
    this.#parts = this.#assemble();
  }

  // Calls from the edge, for who administers.

  waiting(): QueueState {
    if (!this.#isThere) return { waiting: 0, failed: 0, dropped: 0, droppedAt: null, failingSince: null };
    const { waiting, dropped } = this.#parts.deliveries;
    const { failed } = this.#parts.kept;
    const { failingSinceMs: failingSince } = this.#parts.standing;
    return { waiting, failed, dropped: dropped.events, droppedAt: dropped.atMs, failingSince };
  }

  deliveries(query: DeliveryQuery): Delivery[] {
    return this.#isThere ? this.#parts.kept.list(query) : [];
  }

  delivery(number: number): Delivery | null {
    return this.#isThere ? this.#parts.kept.find(number) : null;
  }

  /** With what is sent in it. */
  deliveryDetails(number: number): DeliveryDetails | null {
    const delivery = this.delivery(number);
    return delivery === null ? null : { ...delivery, body: this.#parts.deliveries.body(number) };
  }

  /** At once, and with the whole schedule before it; false where there is nothing to retry. */
  retry(number: number): boolean {
    if (!this.#isThere || !this.#parts.deliveries.retry(number, Date.now())) return false;
    this.#go();
    return true;
  }

  /** What of a room's history it wants, once more, also what has arrived. Null where there is no such endpoint. */
  async replay(span: ReplaySpan): Promise<Replayed | null> {
    const parts = this.#parts;
    const target = await this.#ask();
    if (target === null) return null;
    const isPending = ({ id }: WebhookEvent): boolean => parts.deliveries.isPending(id);
    return replay(
      {
        room: roomStub(this.env, this.#name.tenant, span.room),
        wanted: target.wanted,
        places: () => fixedLimits.webhookQueueEvents - this.waiting().waiting,
        take: (events) => this.#take(events, { target, parts }, isPending),
      },
      span,
    );
  }

  /** Sends an event of its own now, also where it is disabled, and says what was answered. One at a time: it may take 15 seconds. */
  async probe(): Promise<Answer<{ result: TestResult }>> {
    if (this.#isProbing)
      return refuse("rate_limited", "One test at a time.", { retryAfterMs: fixedLimits.webhookMsMax });
    this.#isProbing = true;
    try {
      const target = await this.#ask();
      if (target === null) return refuse("not_found", "There is no such webhook endpoint.");
      return { ok: true, result: await this.#probed(target) };
    } finally {
      this.#isProbing = false;
    }
  }

  // Events from the platform.

  override async alarm(): Promise<void> {
    // One that rang while everything was erased.
    if (!this.#isThere) return;
    await this.#alarms.run(Date.now(), {
      deliver: () => this.#parts.courier.go(),
      giveUp: async () => {
        const { standing } = this.#parts;
        const { tenant, endpoint } = this.#name;
        if (standing.givingUp === null) return;
        await tenantStub(this.env, tenant).disableWebhook(endpoint, standing.givingUp);
        standing.gaveUp();
      },
      sweep: async () => {
        const { standing, deliveries, kept } = this.#parts;
        if ((await standing.target(Date.now())) === null) return this.dissolve();
        const nowMs = Date.now();
        kept.sweep(nowMs);
        for (const number of kept.overdue(nowMs)) deliveries.fail(number, waitedTooLong, null, nowMs);
        this.#bookSweep();
      },
    });
  }

  async #probed(target: Target): Promise<TestResult> {
    const nowMs = Date.now();
    const name = this.#name;
    const about = { type: testEventType, atMs: nowMs, tenant: name.tenant, room: null };
    const event = { ...about, id: `test_${nanoid()}`, data: { endpoint: name.endpoint } };
    const letter = { id: event.id, body: eventBody(event), attempt: 1 };
    const { ok, status, error, excerpt } = await send(this.env, { ...name, target, ...letter });
    return { ok, status, ms: Date.now() - nowMs, error, excerpt };
  }

  /** What it goes by. Only the first time it is asked for: what has changed since is known before anything is sent. */
  async #known(): Promise<Target | null> {
    const known = this.#isThere ? this.#parts.standing.known : null;
    return known ?? this.#ask();
  }

  /** `parts` are those of when the target was asked for. False where the endpoint has been removed since: it is not made anew. */
  #take(
    events: readonly WebhookEvent[],
    { target, parts }: { readonly target: Target; readonly parts: Parts },
    isKnown: (event: WebhookEvent) => boolean,
  ): boolean {
    if (parts !== this.#parts) return false;
    const { storage } = this.ctx;
    migrate(storage, migrations);
    const { standing, deliveries } = parts;
    const nowMs = Date.now();
    if (standing.known === null) standing.learn(target, nowMs);
    try {
      storage.transactionSync(() => {
        for (const event of events) if (!isKnown(event)) deliveries.add(event, target.batch, nowMs);
      });
    } catch (error) {
      deliveries.reload();
      throw error;
    }
    this.#bookSweep();
    this.#go();
    return true;
  }

  /** Now, and by the alarm where that comes to nothing. */
  #go(): void {
    const { deliveries, courier, standing } = this.#parts;
    const { dueMs } = deliveries;
    const nowMs = Date.now();
    if (dueMs === null) return;
    if (standing.fresh(nowMs)?.isPaused === true)
      return this.#alarms.schedule("deliver", nowMs + fixedLimits.webhookPausedMs);
    this.#alarms.schedule("deliver", Math.max(dueMs, nowMs + againAfterMs));
    this.ctx.waitUntil(courier.go().catch(() => undefined));
  }

  #bookSweep(): void {
    const { sweepMs } = this.#parts.kept;
    if (sweepMs === null) return;
    const nowMs = Date.now();
    const atMs = Math.min(Math.max(sweepMs, nowMs + sweepEveryMs), nowMs + sweepAtLatestMs);
    this.#alarms.schedule("sweep", atMs);
  }

  #assemble(): Parts {
    const { storage } = this.ctx;
    const deliveries = new Deliveries(storage);
    const standing = new Standing(storage, () => this.#ask());
    const courier = new Courier({
      deliveries,
      standing,
      send: (target, letter) => send(this.env, { ...this.#name, target, ...letter }),
      book: (atMs) => this.#alarms.schedule("deliver", atMs),
      onGivingUp: () => this.#alarms.schedule("giveUp", Date.now()),
      onEnded: () => this.#bookSweep(),
      keep: (work) => this.ctx.waitUntil(work),
      onGone: () => this.dissolve(),
    });
    return { deliveries, kept: new Kept(storage), standing, courier };
  }

  #ask(): Promise<Target | null> {
    const { tenant, endpoint } = this.#name;
    return tenantStub(this.env, tenant).webhookTarget(endpoint);
  }

  get #isThere(): boolean {
    return !isUntouched(this.ctx.storage);
  }

  get #name(): { readonly tenant: string; readonly endpoint: string } {
    const { name } = this.ctx.id;
    if (name === undefined) throw new Error("an endpoint is addressed by its name");
    return parseWebhookObjectName(name);
  }
}
