/** What a room is made of. Operations are functions that are given these; none is given the object itself. */
import type { Hook, HookQuestion, HookVerdict } from "../../protocol/hook.ts";
import type { WebhookEvent } from "../../protocol/webhook.ts";
import type { TenantStub } from "../stubs.ts";
import type { Tickets } from "../tickets.ts";
import type { Account } from "./account.ts";
import type { Archive } from "./archive.ts";
import type { Announced } from "./announced.ts";
import type { Bans } from "./bans.ts";
import type { Question } from "../assistant/asked.ts";
import type { Courier } from "./courier.ts";
import type { Deeds } from "./deeds.ts";
import type { Door } from "./door.ts";
import type { FileRemoval } from "./fileRemoval.ts";
import type { Files } from "./files.ts";
import type { Imported } from "./imported.ts";
import type { Intake } from "./intake.ts";
import type { Meter } from "./meter.ts";
import type { Exceeded } from "./exceeded.ts";
import type { Outbox } from "./outbox.ts";
import type { Questions } from "./questions.ts";
import type { Presence } from "./presence.ts";
import type { Queue } from "./queue.ts";
import type { Rates } from "./rates.ts";
import type { Refresher } from "./refresh.ts";
import type { Roster } from "./roster.ts";
import type { Indexer } from "./indexer.ts";
import type { Keeper } from "./retention.ts";
import type { Streaming } from "./streaming.ts";
import type { RoomState } from "./store/roomRow.ts";
import type { Store } from "./store/store.ts";

export interface RoomParts {
  /** The room's name within its tenant. */
  readonly name: string;
  readonly tenant: string;
  readonly generation: string;
  readonly store: Store;
  readonly queue: Queue;
  readonly rates: Rates;
  readonly account: Account;
  readonly door: Door;
  readonly roster: Roster;
  readonly meter: Meter;
  readonly presence: Presence;
  readonly refresher: Refresher;
  readonly bans: Bans;
  readonly files: Files;
  readonly fileRemoval: FileRemoval;
  readonly askHook: (hook: Hook, question: HookQuestion) => Promise<HookVerdict>;
  readonly keeper: Keeper;
  /** Messages that grow while they are told. */
  readonly streaming: Streaming;
  readonly indexer: Indexer;
  readonly tickets: Tickets;
  /** All rows, for exports and imports. */
  readonly archive: Archive;
  readonly imported: Imported;
  readonly intake: Intake;
  /** For the tenant's audit log. */
  readonly deeds: Deeds;
  /** For the tenant's webhook endpoints. */
  readonly outbox: Outbox;
  readonly courier: Courier<WebhookEvent>;
  readonly announced: Announced;
  /** For the room's assistant. */
  readonly questions: Questions;
  readonly asker: Courier<Question>;
  readonly exceeded: Exceeded;
  /** When the platform last answered a ping of this socket; null if it never did. */
  readonly pingedAtMs: (socket: WebSocket) => number | null;
  /** Books a look at the sockets' tokens. */
  readonly bookTokens: (atMs: number) => void;
  /** Books a look at the import that is under way. */
  readonly bookIntake: (atMs: number) => void;
  /** The tenant's directory of rooms. */
  readonly registry: Pick<TenantStub, "flag" | "registerRoom" | "forgetRoom" | "revocationsOf" | "bansOf">;
}

/** The state of a room that exists. Throws where a caller forgot to look. */
export function stateOf({ store }: Pick<RoomParts, "store">): RoomState {
  if (store.room === null) throw new Error("the room does not exist");
  return store.room;
}
