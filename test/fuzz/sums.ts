/** What a room's rows say of each other, counted anew. */
import type { Message } from "../../src/protocol/message.ts";
import type { TestTenant } from "../support/api.ts";
import { query } from "../support/room.ts";

/** Each finds the rows that are wrong. */
const checks = {
  "reactions that are not summed up": `
WITH summed AS (SELECT message, emoji, count(*) AS count, json_group_array(user ORDER BY user) AS users
                FROM reaction JOIN message ON message.id = message GROUP BY message, emoji),
     told   AS (SELECT message.id AS message, emoji.key AS emoji, emoji.value ->> '$.count' AS count,
                  (SELECT json_group_array(user.value ORDER BY user.value) FROM json_each(emoji.value, '$.users') AS user) AS users
                FROM message, json_each(message.reactions) AS emoji)
SELECT * FROM (SELECT * FROM summed EXCEPT SELECT * FROM told)
UNION ALL SELECT * FROM (SELECT * FROM told EXCEPT SELECT * FROM summed)`,
  "files that are not with their message": `
WITH carried AS (SELECT message.id AS message, value ->> 'id' AS id FROM message, json_each(message.attachments)),
     known   AS (SELECT message, id FROM file WHERE message IS NOT NULL AND removed_at IS NULL)
SELECT id FROM (SELECT * FROM carried EXCEPT SELECT * FROM known UNION ALL SELECT * FROM (SELECT * FROM known EXCEPT SELECT * FROM carried))`,
  "pins of what is not there": `
SELECT pin.message FROM pin LEFT JOIN message ON message.id = pin.message WHERE message.id IS NULL OR deleted_at IS NOT NULL`,
  "versions of what is not there": `
SELECT revision.message, revision.version FROM revision LEFT JOIN message ON message.id = revision.message
WHERE message.id IS NULL OR revision.version >= message.version + (deleted_at IS NOT NULL)`,
} as const;

/** A message that has expired, and waits to be swept, is shown nobody: its replies come and go uncounted. */
const repliesAstray = (nowMs: number): string => `
SELECT id, replies, counted FROM (
  SELECT id, replies, (SELECT count(*) FROM message AS reply
    WHERE reply.reply_to = message.id AND reply.deleted_at IS NULL AND reply.shadow IS NULL) AS counted
  FROM message WHERE expires_at IS NULL OR expires_at > ${nowMs})
WHERE replies <> counted`;

/** Of a room that keeps versions, or does not. Of a deleted message all are kept, or none where it was redacted or erased. */
const versionsAstray = (keeps: boolean): string => `
SELECT id, version, kept FROM (
  SELECT id, version, deleted_at, (SELECT count(*) FROM revision WHERE revision.message = message.id) AS kept FROM message)
WHERE NOT iif(${keeps}, iif(deleted_at IS NULL, kept = version - 1, kept IN (0, version)), kept = 0)`;

export interface Soundness {
  readonly keeps: boolean;
  readonly nowMs: number;
}

/** Null where all sums are right. */
export async function unsound(tenant: TestTenant, room: string, { keeps, nowMs }: Soundness): Promise<string | null> {
  const all = {
    ...checks,
    "replies that are not counted": repliesAstray(nowMs),
    "versions that are not kept": versionsAstray(keeps),
  };
  for (const [what, sql] of Object.entries(all)) {
    const wrong = await query(tenant, room, sql);
    if (wrong.length > 0) return `${what}: ${JSON.stringify(wrong)}`;
  }
  return null;
}

/** How many replies each message has that are hidden from others, by who said them. */
export interface HiddenReplies extends Record<string, SqlStorageValue> {
  parent: number;
  sender: string | null;
  count: number;
}

export function hiddenReplies(tenant: TestTenant, room: string): Promise<HiddenReplies[]> {
  return query(
    tenant,
    room,
    `SELECT reply_to AS parent, sender, count(*) AS count FROM message
     WHERE reply_to IS NOT NULL AND shadow = 1 AND deleted_at IS NULL GROUP BY reply_to, sender`,
  );
}

/** As whoever sees everything holds them, but for the replies that `user` does not see. */
export function countedFor(user: string, messages: readonly Message[], hidden: readonly HiddenReplies[]): number[] {
  return messages.map(({ id, replies }) =>
    hidden.reduce(
      (left, { parent, sender, count }) => (parent === id && sender !== user ? left - count : left),
      replies,
    ),
  );
}
