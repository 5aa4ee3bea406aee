/** Peer: rooms in memory on Socket.IO, WebSocket transport only, no compression. */
import { createServer } from "node:http";
import { Server } from "socket.io";

let lastId = 0;

const http = createServer();
const io = new Server(http, { transports: ["websocket"], perMessageDeflate: false, serveClient: false });

io.on("connection", (socket) => {
  const room = String(socket.handshake.query["room"]);
  void socket.join(room);
  socket.on("message", (text: string) => {
    io.to(room).emit("message", { id: ++lastId, text });
  });
});

http.listen(0, "127.0.0.1", () => {
  const address = http.address();
  if (address !== null && typeof address === "object") console.log(`ready http://127.0.0.1:${address.port}`);
});
