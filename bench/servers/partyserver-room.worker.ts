/** Peer: the plain durable room that one writes on an afternoon: partyserver, an insert per message, then a broadcast. */
import { type Connection, routePartykitRequest, Server } from "partyserver";

export class Room extends Server<Env> {
  static override options = { hibernate: true };

  override onStart(): void {
    this.ctx.storage.sql.exec(
      `CREATE TABLE IF NOT EXISTS messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT, sender TEXT NOT NULL, text TEXT NOT NULL, created_at INTEGER NOT NULL
      )`,
    );
  }

  override onMessage(connection: Connection, message: string): void {
    const { text } = JSON.parse(message);
    const row = this.ctx.storage.sql
      .exec(
        "INSERT INTO messages (sender, text, created_at) VALUES (?, ?, ?) RETURNING id",
        connection.id,
        text,
        Date.now(),
      )
      .one();
    this.broadcast(JSON.stringify({ id: row["id"], text }));
  }

  override onRequest(): Response {
    const rows = this.ctx.storage.sql
      .exec("SELECT id, sender, text, created_at FROM messages ORDER BY id DESC LIMIT 50")
      .toArray();
    return Response.json({ messages: rows });
  }
}

interface Env {
  Room: DurableObjectNamespace<Room>;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    return (await routePartykitRequest(request, { ...env })) ?? new Response(null, { status: 404 });
  },
};
