/** Everything that an object has written down. */
import { runInDurableObject } from "cloudflare:test";

/** All that an object keeps: rows of all tables, values, and what lies on its sockets. */
export function dump(object: DurableObjectStub): Promise<string> {
  return runInDurableObject(object, async (_, state) => {
    const { sql } = state.storage;
    const tables = sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'",
      )
      .toArray();
    const rows = tables.map(({ name }) => [name, sql.exec(`SELECT * FROM "${name}"`).toArray()]);
    const values = [...(await state.storage.list())];
    const sockets = state.getWebSockets().map((socket) => WebSocket.prototype.deserializeAttachment.call(socket));
    return JSON.stringify([rows, values, sockets], (__, value) =>
      value instanceof ArrayBuffer ? hex(new Uint8Array(value)) : value,
    );
  });
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
