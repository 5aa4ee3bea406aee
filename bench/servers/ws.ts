/** Peer: rooms in memory on `ws`, as fast as `ws` goes: one buffer for all sockets of a room, no compression. */
import { createServer } from "node:http";
import { type RawData, type WebSocket, WebSocketServer } from "ws";

const rooms = new Map<string, Set<WebSocket>>();
let lastId = 0;

const http = createServer();
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false });

sockets.on("connection", (socket, request) => {
  const path = request.url ?? "/";
  const room = rooms.get(path) ?? new Set();
  rooms.set(path, room.add(socket));
  socket.on("message", (data) => broadcast(room, data));
  socket.on("close", () => {
    room.delete(socket);
    if (room.size === 0) rooms.delete(path);
  });
});

http.listen(0, "127.0.0.1", () => {
  const address = http.address();
  if (address !== null && typeof address === "object") console.log(`ready http://127.0.0.1:${address.port}`);
});

function broadcast(room: Set<WebSocket>, data: RawData): void {
  const { text } = JSON.parse(data.toString());
  const frame = Buffer.from(JSON.stringify({ id: ++lastId, text }));
  for (const socket of room) socket.send(frame, { binary: false });
}
