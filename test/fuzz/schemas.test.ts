import { runInDurableObject } from "cloudflare:test";
import { beforeAll, expect, test } from "vitest";
import type { Message } from "../../src/protocol/message.ts";
import { migrate } from "../../src/objects/migrate.ts";
import { migrations } from "../../src/objects/room/migrations.ts";
import { unsound } from "./sums.ts";
import { call, newTenant, type TestTenant } from "../support/api.ts";
import { evict, query, roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { ask } from "../support/truth.ts";

/** In each room; `VITE_PARLEY_ROWS=100000` for a night. */
const rows = Number(process.env["VITE_PARLEY_ROWS"] ?? 400);
/** Every one that a room can have been left in: from its first tables on. */
const versions = migrations.flatMap(({ id }, index) => (index >= 1 ? [{ id, count: index + 1 }] : []));

let tenant: TestTenant;
/** A row as the code of today writes it: of it each schema gets the columns that it has. */
let roomRow: Record<string, SqlStorageValue>;

beforeAll(async () => {
  tenant = await newTenant(roomy);
  await ask("/v1/rooms/template", { method: "PUT", credential: tenant.key, body: {} });
  const [row] = await query<Record<string, SqlStorageValue>>(tenant, "template", "SELECT * FROM room");
  roomRow = row ?? {};
});

/** Replies, of which some are deleted, edited messages, reactions, nonces, and a member for every hundredth. */
const fill = `
WITH RECURSIVE number (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM number WHERE id < ?1)
INSERT INTO message (id, seq, version, sender, sender_name, nonce, digest, text, reply_to, replies, reactions, status, created_at, deleted_at)
SELECT id, iif(id % 20 = 3, ?1 + id, id), iif(id % 20 = 3, 2, 1), 'user-' || (id % 9), 'Name', printf('nonce-%06d', id), x'0011223344556677',
  iif(id % 50 = 0, NULL, 'text ' || id || ' ' || hex(id * 7919)), iif(id % 10 = 0, id - 5, NULL), iif(id % 10 = 5 AND id + 5 <= ?1 AND ?2 + (id + 5) % 50, 1, 0),
  iif(id % 7 = 0, '{"👍":{"count":1,"users":["ada"]}}', NULL), 'sent', 1790000000000 + id, iif(id % 50 = 0, 1790000000000, NULL)
FROM number;
INSERT INTO reaction (message, emoji, user, at) SELECT id, '👍', 'ada', 1790000000000 FROM message WHERE id % 7 = 0;
INSERT INTO member (user, role, seq) SELECT 'member-' || id, 'member', 2 * ?1 + id FROM message WHERE id % 100 = 1;
`;

/** But for `replies`, which a migration counts anew: that is looked at apart. */
const checksum = `
SELECT count(*) AS count, sum((id * 31 + seq * 17 + version + created_at + coalesce(deleted_at, 0)) % 1000003) AS numbers,
  sum((id * coalesce(length(text), 1) + coalesce(unicode(substr(text, 7, 1)), 0) + unicode(substr(sender, 6)) + length(nonce) + coalesce(reply_to, 0)) % 1000003) AS texts,
  (SELECT count(*) FROM reaction) AS reactions, (SELECT sum(seq) FROM member) AS members FROM message`;

async function leaveInSchema(room: string, count: number): Promise<Record<string, SqlStorageValue>> {
  return runInDurableObject(roomObject(tenant, room), (_, { storage }) => {
    const { sql } = storage;
    migrate(storage, migrations.slice(0, count));
    const columns = sql.exec("SELECT * FROM room").columnNames;
    const values = columns.map((column) => (column === "epoch" ? `epoch-${count}` : (roomRow[column] ?? null)));
    sql.exec(`INSERT INTO room (${columns.join()}) VALUES (${columns.map(() => "?").join()})`, ...values);
    const deletedCount = migrations.slice(0, count).some(({ id }) => id === "replies-1") ? 0 : 1;
    for (const statement of fill.split(";\n").filter((text) => text.trim() !== ""))
      sql.exec(
        statement,
        ...(statement.includes("?2") ? [rows, deletedCount] : statement.includes("?1") ? [rows] : []),
      );
    return sql.exec(checksum).one();
  });
}

test(
  `[O11] [O7] a room that was left in any of ${versions.length} schemas with ${rows} messages wakes in today's, and nothing of it has changed`,
  async () => {
    const slowest = { id: "", ms: 0 };
    for (const { id, count } of versions) {
      const room = `schema-${count}`;
      const before = await leaveInSchema(room, count);
      await evict(tenant, room);
      const sinceMs = performance.now();
      const { head } = await ask<{ head: number }>(`/v1/rooms/${room}`, { credential: tenant.key });
      const ms = Math.round(performance.now() - sinceMs);
      if (ms > slowest.ms) Object.assign(slowest, { id, ms });
      expect([id, await query(tenant, room, checksum)]).toEqual([id, [before]]);
      expect([id, await unsound(tenant, room, { keeps: false, nowMs: Date.now() })]).toEqual([id, null]);
      expect(head).toBe(2 * rows + 1 + 100 * Math.floor((rows - 1) / 100));
      const applied = await query(tenant, room, "SELECT id FROM migration ORDER BY position");
      expect(applied.map((one) => one["id"])).toEqual(migrations.map((one) => one.id));

      // It is a room like any other: the second time too, and for whoever publishes.
      await evict(tenant, room);
      const body = { text: "after", nonce: "nonce-after" };
      const published = await call(`/v1/rooms/${room}/messages`, {
        method: "POST",
        credential: tenant.key,
        user: "ada",
        body,
      });
      expect([id, published.status]).toEqual([id, 201]);
      const page = await ask<{ messages: Message[] }>(`/v1/rooms/${room}/messages?limit=3`, { credential: tenant.key });
      expect(page.messages.map(({ text }) => text).at(-1)).toBe("after");
      const again = { text: "text 1 1EEF", nonce: "nonce-000001" };
      const known = await call(`/v1/rooms/${room}/messages`, {
        method: "POST",
        credential: tenant.key,
        user: "user-1",
        body: again,
      });
      // Its nonce is still taken, by what was said then.
      expect([id, known.status]).toEqual([id, 422]);
    }
    console.log(
      `${versions.length} schemas with ${rows} messages each: the slowest to wake was ${slowest.id}, in ${slowest.ms} ms`,
    );
  },
  Math.max(60_000, rows * 20),
);
