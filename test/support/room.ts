/** Behind the surface: a room's object, for what cannot be seen from outside. */
import { env } from "cloudflare:workers";
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { roomObjectName } from "../../src/objects/stubs.ts";
import type { Room } from "../../src/objects/room/room.ts";
import type { TestTenant } from "./api.ts";

export function roomObject(tenant: TestTenant, room: string): DurableObjectStub<Room> {
  return env.ROOM.getByName(roomObjectName(tenant.id, room));
}

/** The object loses its memory; its sockets stay open, as when the platform lets it sleep. */
export function evict(tenant: TestTenant, room: string): Promise<void> {
  return evictDurableObject(roomObject(tenant, room));
}

/** Runs statements in the room's own database. */
export function query<Row extends Record<string, SqlStorageValue>>(
  tenant: TestTenant,
  room: string,
  sql: string,
): Promise<Row[]> {
  return runInDurableObject(roomObject(tenant, room), (_, state) => state.storage.sql.exec<Row>(sql).toArray());
}

/** Rows that the room's statements read and write while `body` runs, as the platform bills them. */
export function rowsOf(
  tenant: TestTenant,
  room: string,
  body: (room: Room) => unknown,
): Promise<{ readonly read: number; readonly written: number }> {
  return runInDurableObject(roomObject(tenant, room), async (object, state) => {
    const { sql } = state.storage;
    const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
    const exec = sql.exec.bind(sql);
    Object.defineProperty(sql, "exec", {
      configurable: true,
      value: (statement: string, ...bindings: SqlStorageValue[]) => {
        const cursor = exec(statement, ...bindings);
        cursors.push(cursor);
        return cursor;
      },
    });
    await body(object);
    Reflect.deleteProperty(sql, "exec");
    const sum = (rows: (cursor: (typeof cursors)[number]) => number): number =>
      cursors.reduce((total, cursor) => total + rows(cursor), 0);
    return { read: sum(({ rowsRead }) => rowsRead), written: sum(({ rowsWritten }) => rowsWritten) };
  });
}
