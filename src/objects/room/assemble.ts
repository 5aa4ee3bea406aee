/** Puts a room's parts together. */
import type { Session } from "../../protocol/session.ts";
import type { Subscription, WebhookEvent } from "../../protocol/webhook.ts";
import { Alarms } from "../alarms.ts";
import {
  parseRoomObjectName,
  type RoomBindings,
  assistantStub,
  type TenantStub,
  tenantStub,
  webhookStub,
} from "../stubs.ts";
import type { Question } from "../assistant/asked.ts";
import { Tickets } from "../tickets.ts";
import { type Ended, isWritten, levelOf, markOf, write } from "../journal.ts";
import { Account } from "./account.ts";
import { Archive } from "./archive.ts";
import { Announced } from "./announced.ts";
import { Bans } from "./bans.ts";
import { Courier } from "./courier.ts";
import { Deeds } from "./deeds.ts";
import { Door } from "./door.ts";
import { FileRemoval } from "./fileRemoval.ts";
import { Files } from "./files.ts";
import { Exceeded } from "./exceeded.ts";
import { heed } from "./heed.ts";
import { askHook } from "./hook.ts";
import { Imported } from "./imported.ts";
import { Indexer } from "./indexer.ts";
import { Intake } from "./intake.ts";
import type { Job } from "./jobs.ts";
import { Meter } from "./meter.ts";
import { Outbox } from "./outbox.ts";
import { nextParcel } from "./parcel.ts";
import type { RoomParts } from "./parts.ts";
import { Presence } from "./presence.ts";
import { Queue } from "./queue.ts";
import { Rates } from "./rates.ts";
import { Keeper } from "./retention.ts";
import { Refresher } from "./refresh.ts";
import { nextQuestions } from "./put.ts";
import { Questions } from "./questions.ts";
import { Roster, type Seat } from "./roster.ts";
import { Store } from "./store/store.ts";
import { Streaming } from "./streaming.ts";
import { Turn } from "./turn.ts";

export interface Assembled {
  readonly parts: RoomParts;
  readonly alarms: Alarms<Job>;
  readonly turn: Turn;
}

/** `objectName` is the object's whole name, tenant and room. What calls back does so only after this has returned. */
export function assemble(ctx: DurableObjectState, env: RoomBindings & Cloudflare.Env, objectName: string): Assembled {
  const { tenant, room: name } = parseRoomObjectName(objectName);
  const { storage } = ctx;
  const alarms = new Alarms<Job>(storage);
  const store = new Store(storage);
  const intake = new Intake(storage);
  const presence = new Presence(() => turn.settle(Date.now()));
  const roster = new Roster(objectName, ctx.getWebSockets(), presence, writer(ctx, env, tenant));
  const outward = towardWebhooks(storage, env, { tenant, name, store, alarms, parts: () => parts });
  if (store.room !== null) {
    const { presenceMembers: membersMax } = store.room.policy.limits;
    presence.recover(store, { membersMax, announced: outward.announced.all() }, Date.now());
  }
  const registry = tenantStub(env, tenant);
  const meter = new Meter(Date.now());
  const inward = towardTenant(registry, { name, store, roster, meter, parts: () => parts, turn: () => turn });
  const parts: RoomParts = {
    name,
    tenant,
    generation: env.GENERATION,
    store,
    ...inward,
    meter,
    rates: new Rates(),
    roster,
    presence,
    registry,
    refresher: new Refresher(env, tenant, () => {
      // While it was under way the room's door stayed open.
      turn.scheduleReport();
      turn.wake();
    }),
    bans: new Bans(storage),
    ...roomFiles(storage, env.UPLOADS, { tenant, name, store, registry, alarms }),
    askHook: (hook, question) => askHook(env, hook, question),
    tickets: new Tickets(storage),
    archive: new Archive(storage, store.streams),
    imported: new Imported(storage),
    intake,
    ...outward,
    ...towardAssistant(storage, env, { tenant, name, store, alarms, parts: () => parts }),
    deeds: new Deeds(storage, name, registry, (atMs) => alarms.schedule("deeds", atMs)),
    keeper: new Keeper(store, (job, atMs) => alarms.schedule(job, atMs)),
    streaming: new Streaming({
      store,
      roster,
      onDue: () => turn.wake(),
      book: (atMs) => alarms.schedule("streams", atMs),
    }),
    indexer: new Indexer(store, intake, (atMs) => alarms.schedule("search", atMs)),
    bookTokens: (atMs) => alarms.schedule("tokens", atMs),
    bookIntake: (atMs) => alarms.schedule("intake", atMs),
    pingedAtMs: (socket) => ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? null,
  };
  const turn: Turn = new Turn(storage, parts, alarms);
  return { parts, alarms, turn };
}

/** Writes down who has gone. Of what our own Worker holds, that writes a line of its own. */
function writer({ id }: DurableObjectState, env: RoomBindings, tenant: string): (seat: Seat, ended: Ended) => void {
  const room = markOf(id);
  return ({ session: { connection }, attachment, traffic }, { refusal, ...ended }) => {
    const { relayed, request, order: openedAtMs } = attachment;
    if (relayed || !isWritten(env)) return;
    const nowMs = Date.now();
    const level = levelOf(refusal);
    const who = { request, connection, tenant, room, transport: "websocket" as const };
    const ms = Math.max(0, Math.floor(nowMs - openedAtMs));
    const why = { ...ended, ...(refusal === undefined ? {} : { refusal }) };
    write({ level, event: "connection", ...who, ...why, ms, ...traffic.at(nowMs) }, nowMs);
  };
}

/** What goes to the tenant, and what waits for it. */
function towardTenant(
  registry: TenantStub,
  {
    name,
    store,
    roster,
    meter,
    parts,
    turn,
  }: Pick<Outside, "name" | "store" | "parts"> & Pick<RoomParts, "roster" | "meter"> & { readonly turn: () => Turn },
): Pick<RoomParts, "queue" | "door" | "account"> {
  const queue: Queue = new Queue(
    (credits) => account.spend(credits, Date.now()),
    () => turn().wake(),
    // What was decided while it waited is asked for, where the room is not told.
    async () => void (account.isTold || (await account.renew())),
  );
  const door = new Door(
    () => sessionsOf(roster),
    () => turn().scheduleReport(),
  );
  const account: Account = new Account({
    queue,
    door,
    sockets: () => roster.size,
    ask: (asked) =>
      registry.account({
        room: name,
        policyVersion: store.room?.policy.version ?? 0,
        sockets: roster.size,
        work: asked.counts !== null || meter.isDue(Date.now()) ? meter.take(Date.now()) : null,
        ...asked,
      }),
    onPolicy: (policy) => void heed(parts(), policy).then(() => turn().wake(), unasked),
    onSettled: () => turn().wake(),
  });
  return { queue, door, account };
}

function* sessionsOf({ seats }: Roster): Generator<Session> {
  for (const { session } of seats) yield session;
}

/** The files, and what takes their bytes away. */
function roomFiles(
  storage: DurableObjectStorage,
  bucket: R2Bucket,
  {
    tenant,
    name,
    store,
    registry,
    alarms,
  }: Pick<Outside, "tenant" | "name" | "store" | "alarms"> & {
    readonly registry: TenantStub;
  },
): Pick<RoomParts, "files" | "fileRemoval"> {
  const files: Files = new Files(storage, () => fileRemoval.heed(Date.now()));
  const fileRemoval: FileRemoval = new FileRemoval({
    tenant,
    room: name,
    files,
    storage,
    bucket,
    registry,
    isErased: () => store.isErased,
    book: (atMs) => (atMs === null ? alarms.cancel("files") : alarms.schedule("files", atMs)),
  });
  return { files, fileRemoval };
}

interface Outside {
  readonly tenant: string;
  readonly name: string;
  readonly store: Store;
  readonly alarms: Alarms<Job>;
  readonly parts: () => RoomParts;
}

/** What the tenant's webhook endpoints hear of the room goes by these. */
function towardWebhooks(
  storage: DurableObjectStorage,
  env: RoomBindings,
  { tenant, name, store, alarms, parts }: Outside,
): Pick<RoomParts, "outbox" | "courier" | "announced" | "exceeded"> {
  const subscriptions = (): readonly Subscription[] => store.room?.policy.webhooks ?? [];
  const outbox = new Outbox(storage, { room: name, subscriptions, onNew: () => courier.call() });
  const courier = new Courier<WebhookEvent>({
    kind: "the webhook endpoint",
    endpoints: () => outbox.endpoints(),
    next: (endpoint) => nextParcel(parts(), endpoint, Date.now()),
    hand: (endpoint, events) => webhookStub(env, tenant, endpoint).accept(events),
    drop: (endpoint) => outbox.drop(endpoint),
    sync: () => storage.sync(),
    book: (atMs) => alarms.schedule("outbox", atMs),
    isOver: () => store.isErased,
  });
  const announced = new Announced(storage, (type) => outbox.wants(type));
  // What was under way when the memory went is not left to the alarm, where somebody comes before it.
  if (store.room !== null && outbox.endpoints().length > 0) courier.call();
  return { outbox, courier, announced, exceeded: new Exceeded(storage) };
}

/** What the room's assistant is asked goes by these. */
function towardAssistant(
  storage: DurableObjectStorage,
  env: RoomBindings,
  { tenant, name, store, alarms, parts }: Outside,
): Pick<RoomParts, "questions" | "asker"> {
  const questions = new Questions(storage, () => asker.call());
  const asker = new Courier<Question>({
    kind: "whoever answers",
    endpoints: () => (store.room !== null && questions.isWaited ? [name] : []),
    next: () => nextQuestions(parts()),
    hand: async (_, asked) => {
      await assistantStub(env, tenant, name).ask(asked);
      return true;
    },
    drop: () => questions.forget(),
    sync: () => storage.sync(),
    book: (atMs) => alarms.schedule("questions", atMs),
    isOver: () => store.isErased,
  });
  if (store.room !== null && questions.isWaited) asker.call();
  return { questions, asker };
}

/** The tenant tells it again, or the edge refuses them by then. */
function unasked(error: unknown): void {
  console.error("the tenant could not be asked whom it has revoked", String(error));
}
