/** How each server is spoken to: what the generator says and which frames it has to understand. Nothing here measures. */

export interface Dialect {
  socketPath(room: string): string;
  /** The page of the 50 newest messages, for the quiet room beside a burst; null where the server keeps none. */
  pagePath: ((room: string) => string) | null;
  protocols(token: string): string[];
  /** Frames said right after opening. */
  opening(room: string): string[];
  /** Whether the socket counts as joined after this frame; null where it is joined once it is open. */
  isReady: ((frame: Buffer) => boolean) | null;
  /** What a frame demands in return; null where nothing ever does. */
  answer: ((frame: Buffer) => string | undefined) | null;
  publish(message: { room: string; number: number; text: string }): string;
  /** Each occurrence in a frame is one acknowledged message; null where the sender's own copy is the only sign. */
  ackMark: string | null;
  /** Each occurrence is one refused message. */
  refusalMark: string | null;
}

/** A frame by which a client of Parley says that it is still there, and how often it says so (`pingMs` of its welcome). */
export const PING = '{"type":"ping"}';
export const PING_EVERY_MS = 25_000;

/** A bare room: one JSON object in, one out. `ws`, the room in memory and partyserver speak it, each under its own path. */
function bare(socketPath: (room: string) => string, pagePath: Dialect["pagePath"]): Dialect {
  return {
    socketPath,
    pagePath,
    protocols: () => [],
    opening: () => [],
    isReady: null,
    answer: null,
    publish: ({ text }) => JSON.stringify({ text }),
    ackMark: null,
    refusalMark: null,
  };
}

/** Engine.IO 4 and Socket.IO 5 packets by hand: the real client parses and dispatches, which would be charged to the machine, not to the server. */
const socketio: Dialect = {
  ...bare((room) => `/socket.io/?EIO=4&transport=websocket&room=${room}`, null),
  isReady: (frame) => frame.subarray(0, 2).toString() === "40",
  answer(frame) {
    if (frame[0] === 0x30) return "40"; // "0{…}" opens the transport, "40" joins the default namespace.
    return frame.length === 1 && frame[0] === 0x32 ? "3" : undefined; // The server pings with "2".
  },
  publish: ({ text }) => `42${JSON.stringify(["message", text])}`,
};

const parley: Dialect = {
  socketPath: (room) => `/v1/rooms/${room}/socket`,
  pagePath: (room) => `/v1/rooms/${room}/messages?limit=50`,
  protocols: (token) => ["parley.v1", `bearer.${token}`],
  // A socket that never sent a text frame is torn down up to 10 s late (PROTOCOL.md, Connecting).
  opening: () => [PING],
  isReady: (frame) => frame.includes('"reset":true'),
  answer: null,
  // With `ref`, because a sender that wants to know about durability asks for the ack: it belongs to the price.
  publish: ({ room, number, text }) =>
    JSON.stringify({ type: "publish", ref: String(number), nonce: `${room}-${number}`, text }),
  ackMark: '"type":"ack"',
  refusalMark: '"type":"error"',
};

/** The bidirectional JSON protocol of Centrifugo, version 2. Replies and pushes share frames, divided by line feeds. */
const centrifugo: Dialect = {
  ...bare(() => "/connection/websocket", null),
  opening: (room) => ['{"id":1,"connect":{}}', JSON.stringify({ id: 2, subscribe: { channel: room } })],
  isReady: (frame) => frame.includes('"id":2'),
  answer: (frame) => (frame.length <= 3 && frame[0] === 0x7b ? "{}" : undefined),
  publish: ({ room, number, text }) => JSON.stringify({ id: number + 3, publish: { channel: room, data: { text } } }),
  refusalMark: '"error":',
};

/** Its protocol before that: a method for each command, pings by the transport. */
const centrifuge: Dialect = {
  ...centrifugo,
  opening: (room) => ['{"id":1}', JSON.stringify({ id: 2, method: 1, params: { channel: room } })],
  answer: null,
  publish: ({ room, number, text }) =>
    JSON.stringify({ id: number + 3, method: 3, params: { channel: room, data: { text } } }),
};

export const dialects = {
  ws: bare((room) => `/rooms/${room}`, null),
  memory: bare((room) => `/rooms/${room}`, null),
  partyserver: bare(
    (room) => `/parties/room/${room}`,
    (room) => `/parties/room/${room}`,
  ),
  socketio,
  parley,
  centrifuge,
  centrifugo,
} satisfies Record<string, Dialect>;
