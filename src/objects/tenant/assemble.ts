/** Puts a tenant's parts together. */
import { type Concern, everybody } from "../../core/concern.ts";
import { Alarms } from "../alarms.ts";
import { discardFile, fileKey, filesOf } from "../files.ts";
import { directoryStub, type ObjectBindings, roomStub, webhookStub } from "../stubs.ts";
import { Tickets } from "../tickets.ts";
import { Assistants } from "./assistants.ts";
import { AuditLog } from "./audit.ts";
import { TenantBans } from "./bans.ts";
import { Deletion } from "./deletion.ts";
import { Doors } from "./doors.ts";
import { Endings } from "./endings.ts";
import { eraseAtEndpoints, eraseRest } from "./erase.ts";
import { Erasures } from "./erasures.ts";
import { Flags } from "./flags.ts";
import { giveUpAll } from "./giveUp.ts";
import { Issuers } from "./issuers.ts";
import type { Job } from "./jobs.ts";
import { Ledger } from "./ledger.ts";
import { Outbox } from "./outbox.ts";
import type { Decided, TenantParts } from "./parts.ts";
import { roomPolicyOf } from "./policy.ts";
import { Revocations } from "./revocations.ts";
import { Rounds } from "./rounds.ts";
import { Store } from "./store.ts";
import { Untold } from "./untold.ts";
import { Uploads } from "./uploads.ts";
import { Usage } from "./usage.ts";
import { Vain } from "./vain.ts";
import { Webhooks } from "./webhooks.ts";

export interface Assembled {
  readonly parts: TenantParts;
  readonly alarms: Alarms<Job>;
}

/** What calls back does so only after this has returned. */
export function assemble(ctx: DurableObjectState, env: ObjectBindings): Assembled {
  const { storage } = ctx;
  const alarms = new Alarms<Job>(storage);
  const id = (): string => nameOf(ctx.id);
  const store = new Store(storage);
  const webhooks = new Webhooks(storage);
  const outside: Outside = { id, env, storage, store, alarms, parts: () => parts };
  const parts: TenantParts = {
    id,
    store,
    audit: new AuditLog(storage, id),
    issuers: new Issuers(storage),
    flags: new Flags(storage),
    bans: new TenantBans(storage),
    revocations: new Revocations(storage),
    webhooks,
    assistants: new Assistants(storage),
    tickets: new Tickets(storage),
    endings: new Endings(storage.sql),
    vain: new Vain(storage.sql),
    ...counters(storage),
    ...towardEndpoints(outside, webhooks),
    ...towardRooms(outside),
    ...farewells(outside),
    discard: ({ id: upload, multipart }) => discardFile(env.UPLOADS, fileKey(id(), upload), multipart),
    decide: (tenant, record, concern) => decide(parts, tenant, record, concern),
    book: (job, atMs) => {
      if (atMs !== null) alarms.schedule(job, atMs);
    },
  };
  return { parts, alarms };
}

interface Outside {
  readonly id: () => string;
  readonly env: ObjectBindings;
  readonly storage: DurableObjectStorage;
  readonly store: Store;
  readonly alarms: Alarms<Job>;
  readonly parts: () => TenantParts;
}

/** Made when they are first needed: a tenant that was never created has no tables. */
function counters({ sql }: DurableObjectStorage): Pick<TenantParts, "ledger" | "doors" | "usage" | "uploads"> {
  return {
    ledger: once(() => new Ledger(sql)),
    doors: once(() => new Doors(sql)),
    usage: once(() => new Usage(sql)),
    uploads: once(() => new Uploads(sql)),
  };
}

/** What the tenant's webhook endpoints hear of the tenant itself goes by these. */
function towardEndpoints(
  { id, env, storage, alarms }: Outside,
  webhooks: Webhooks,
): Pick<TenantParts, "outbox" | "endpoint"> {
  const endpoint: TenantParts["endpoint"] = (name) => webhookStub(env, id(), name);
  const outbox = new Outbox({
    tenant: id,
    sql: storage.sql,
    webhooks,
    endpoint,
    book: (atMs) => alarms.schedule("outbox", atMs),
  });
  return { outbox, endpoint };
}

/** What its rooms are told and asked. */
function towardRooms({
  id,
  env,
  storage,
  alarms,
  parts,
}: Outside): Pick<TenantParts, "rounds" | "untold" | "disclaim" | "heldBy"> {
  const policy = () => roomPolicyOf(parts(), null, Date.now());
  const rounds = new Rounds(
    {
      rooms: () => parts().ledger().activeRooms,
      concerned: (rooms, concerns) => parts().doors().concerned(rooms, concerns),
      policy,
      tell: (room, told, rooms) => roomStub(env, id(), room).heed(told, rooms),
      book: (atMs) => alarms.schedule("policy", atMs),
      isBooked: () => alarms.has("policy"),
    },
    Date.now(),
  );
  const untold = new Untold({
    sql: storage.sql,
    policy,
    tell: (room, told) => roomStub(env, id(), room).heed(told),
    book: (atMs) => alarms.schedule("untold", atMs),
  });
  return {
    rounds,
    untold,
    disclaim: ({ id: upload, room }) => roomStub(env, id(), room).dropFile(upload),
    heldBy: (room, ids) => roomStub(env, id(), room).heldFiles(ids),
  };
}

/** The end of a user in it, and its own. */
function farewells({ id, env, storage, store, parts }: Outside): Pick<TenantParts, "erasures" | "deletion"> {
  const erasures = new Erasures({
    storage,
    rooms: (after, limit) => store.roomsToErase(after, limit),
    hasNewer: (sinceMs) => store.hasRoomsSince(sinceMs),
    erase: async (room, user, messages) => (await roomStub(env, id(), room).erase(user, messages)).ok,
    forget: (room, user) => roomStub(env, id(), room).forget(user),
    eraseOwn: (user) => eraseRest(parts(), user, Date.now()),
    eraseLate: (user) => eraseAtEndpoints(parts(), user, Date.now()),
  });
  const deletion = new Deletion({
    storage,
    store,
    files: () => ({ bucket: env.UPLOADS, prefix: filesOf(id()) }),
    giveUp: () => giveUpAll(parts(), Date.now()),
    dissolve: (room) => roomStub(env, id(), room).dissolve(),
    dissolveEndpoints: async () => {
      const { webhooks, endpoint } = parts();
      await Promise.all(webhooks.list(Date.now()).map((webhook) => endpoint(webhook.id).dissolve()));
    },
    bury: () => directoryStub(env).bury(id()),
  });
  return { erasures, deletion };
}

/** See `TenantParts.decide`. */
async function decide<Made>(
  { store, revocations, rounds, book }: TenantParts,
  tenant: Decided,
  record: () => Made,
  concern: Concern | "edges" = everybody,
): Promise<Made> {
  const made = store.transaction(() => {
    store.save(tenant);
    return record();
  });
  book("revocations", revocations.dueMs);
  if (concern !== "edges") await rounds.go(concern, Date.now());
  return made;
}

function nameOf({ name }: DurableObjectId): string {
  if (name === undefined) throw new Error("a tenant is addressed by its name");
  return name;
}

function once<Made>(make: () => Made): () => Made {
  let made: Made | undefined;
  return () => (made ??= make());
}
