/** What a tenant is made of. Operations are functions that are given these; none is given the object itself. */
import type { Concern } from "../../core/concern.ts";
import { uploadLevels } from "../../core/uploadQuota.ts";
import type { RoomPolicy } from "../../protocol/policy.ts";
import type { LimitLevel } from "../../protocol/serverFrames.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { WebhookStub } from "../stubs.ts";
import type { Tickets } from "../tickets.ts";
import type { Assistants } from "./assistants.ts";
import type { AuditLog } from "./audit.ts";
import type { TenantBans } from "./bans.ts";
import type { Deletion } from "./deletion.ts";
import type { Doors } from "./doors.ts";
import type { Endings } from "./endings.ts";
import type { Erasures } from "./erasures.ts";
import type { Flags } from "./flags.ts";
import type { Issuers } from "./issuers.ts";
import type { Job } from "./jobs.ts";
import { limitsOf } from "./limits.ts";
import type { Ledger } from "./ledger.ts";
import type { Outbox } from "./outbox.ts";
import type { Revocations } from "./revocations.ts";
import type { Rounds } from "./rounds.ts";
import type { Store, TenantState } from "./store.ts";
import type { Untold } from "./untold.ts";
import type { OpenUpload, Uploads } from "./uploads.ts";
import type { Usage } from "./usage.ts";
import type { Vain } from "./vain.ts";
import type { Webhooks } from "./webhooks.ts";
import type { Limits } from "../../protocol/limits.ts";

export type Answer<T> = ({ readonly ok: true } & T) | Refusal;

export interface TenantParts {
  readonly id: () => string;
  readonly store: Store;
  readonly audit: AuditLog;
  readonly issuers: Issuers;
  readonly flags: Flags;
  readonly bans: TenantBans;
  readonly revocations: Revocations;
  readonly webhooks: Webhooks;
  readonly assistants: Assistants;
  readonly outbox: Outbox;
  readonly tickets: Tickets;
  readonly deletion: Deletion;
  readonly rounds: Rounds<RoomPolicy>;
  readonly untold: Untold;
  readonly endpoint: (id: string) => Pick<WebhookStub, "heed" | "dissolve" | "accept" | "erase">;
  readonly erasures: Erasures;
  /** Of a tenant that exists: another has no tables. */
  readonly ledger: () => Ledger;
  readonly doors: () => Doors;
  readonly usage: () => Usage;
  readonly uploads: () => Uploads;
  readonly endings: Endings;
  readonly vain: Vain;
  /** Removes what has come of it from the bucket. Safe to run twice. */
  readonly discard: (upload: Pick<OpenUpload, "id" | "multipart">) => Promise<void>;
  /** Tells its room that it is no file, whatever the room has heard of it. Safe to run twice. */
  readonly disclaim: (upload: Pick<OpenUpload, "id" | "room">) => Promise<void>;
  /** Which of these uploads its room has as files, complete. May throw. */
  readonly heldBy: (room: string, ids: readonly string[]) => Promise<readonly string[]>;
  /**
   * Saves what is decided with its record, and tells every room that has sockets and that it may concern: now, and once more
   * when no edge can hold an older policy. Any other asks before it lets the next one in, and is told then.
   */
  readonly decide: <Made>(tenant: Decided, record: () => Made, concern?: Concern | "edges") => Promise<Made>;
  /** Of the alarm, at this time or earlier; null is never. */
  readonly book: (job: Job, atMs: number | null) => void;
}

/** The next version of it is made by saving. */
export type Decided = Omit<TenantState, "version" | "createdAtMs">;

/** The tenant, unless it is at its end: then nothing of it is changed any more. */
export function living({ store, deletion }: TenantParts): Answer<{ readonly tenant: TenantState }> {
  const { tenant } = store;
  if (tenant === null) return unknownTenant();
  return deletion.isBegun ? refuse("conflict", "The tenant is being deleted.") : { ok: true, tenant };
}

/** Throws where a caller forgot to look. */
export function tenantOf({ store: { tenant } }: Pick<TenantParts, "store">): TenantState {
  if (tenant === null) throw new Error("the tenant does not exist");
  return tenant;
}

/** The limits in force, and what is left of those that all rooms share. */
export function levelsOf(
  { store, ledger, uploads }: TenantParts,
  nowMs: number,
): Answer<{ limits: Limits; levels: LimitLevel[] }> {
  if (store.tenant === null) return unknownTenant();
  const limits = limitsOf(store.tenant);
  const ofFiles = uploadLevels(uploads().standing(null, nowMs), limits, nowMs);
  return { ok: true, limits, levels: [...ledger().levels(limits, nowMs), ledger().placesLevel(limits), ...ofFiles] };
}

export function unknownTenant(): Refusal {
  return refuse("not_found", "There is no such tenant.");
}
