/** The room's own row, as it is read: with what is known of the room besides when it wakes, and the tenant's policy in it. */
import { canonicalJson } from "../../../core/auditChain.ts";
import type { RoomChange } from "../../../protocol/changes.ts";
import { defaultRoomSettings, type RoomSettings } from "../../../protocol/message.ts";
import { RoomPolicy } from "../../../protocol/policy.ts";

export interface RoomState {
  /** Of the last change that readers are told of as the room's: also that retention has moved `oldest`. */
  readonly seq: number;
  /** Of the last change of the settings; 0 where there was none. */
  readonly settingsSeq: number;
  readonly oldest: number;
  readonly floor: number;
  /** The stored epoch: readers are shown a hash over it and the deployment's generation. */
  readonly epoch: string;
  readonly settings: RoomSettings;
  readonly policy: RoomPolicy;
  readonly deletedAtMs: number | null;
}

interface Row extends Record<string, SqlStorageValue> {
  seq: number;
  settings_seq: number;
  oldest: number;
  floor: number;
  epoch: string;
  settings: string;
  policy: string;
  deleted_at: number | null;
  counted_to: number;
  slow_since: number;
  top: number;
  hides: number;
}

/** With the highest seq that was ever given, of all rows. */
export function readRow(sql: SqlStorage): Row | undefined {
  return sql
    .exec<Row>(
      `SELECT EXISTS (SELECT 1 FROM message WHERE shadow = 1) AS hides, seq, settings_seq, oldest, floor, epoch, settings, policy, deleted_at, counted_to, slow_since, max(
         head, seq,
         coalesce((SELECT id FROM message ORDER BY id DESC LIMIT 1), 0),
         coalesce((SELECT seq FROM message WHERE seq > id ORDER BY seq DESC LIMIT 1), 0),
         coalesce((SELECT seq FROM member WHERE seq IS NOT NULL ORDER BY seq DESC LIMIT 1), 0)) AS top FROM room`,
    )
    .toArray()[0];
}

/** `heard`: what the room went by until now, which may be newer than what is written down. */
export function stateIn(row: Row, heard: RoomPolicy | undefined): RoomState {
  return {
    seq: row.seq,
    settingsSeq: row.settings_seq,
    oldest: row.oldest,
    floor: row.floor,
    epoch: row.epoch,
    deletedAtMs: row.deleted_at,
    settings: { ...defaultRoomSettings, ...JSON.parse(row.settings) },
    policy: newer(RoomPolicy.parse(JSON.parse(row.policy)), heard),
  };
}

/** What of a policy is worth being written down: those go by it who stay. */
export function lasting(policy: RoomPolicy): string {
  // What was read and what was told name the same in another order.
  const bans = policy.bans.filter(({ shadow }) => shadow);
  return canonicalJson({ ...policy, version: 0, revocations: [], revocationsAskedUntilMs: 0, bans });
}

const blank = RoomPolicy.parse({ version: 0, limits: {}, autoCreate: true });

/** A tenant of older code does not tell what has come since. Parsed only where it is read: there is no time for it in a push. */
export function completed(told: RoomPolicy): RoomPolicy {
  return { ...blank, ...told, limits: { ...blank.limits, ...told.limits } };
}

function newer(stored: RoomPolicy, heard: RoomPolicy | undefined): RoomPolicy {
  return heard !== undefined && heard.version > stored.version ? heard : stored;
}

export function roomChange({ settings, seq, oldest }: RoomState): RoomChange {
  return { ...settings, seq, oldest };
}
