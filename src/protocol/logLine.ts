/** What is written down of a request and of a connection, as one line of JSON each. No line has a name of a room or a user, a path, a query, a credential or anything that was said. */
import * as z from "zod";

const common = {
  /** When it ended, ISO 8601. */
  time: z.iso.datetime(),
  /** `error`: a bug, of which another line tells more. `warn`: it could not be done now. */
  level: z.enum(["info", "warn", "error"]),
  /** The `X-Request-Id` of the answer; of a connection, of the answer by which it was opened. */
  request: z.string(),
  /** Absent where nobody has proved who it is, and for the operator. */
  tenant: z.string().optional(),
  /** The first 16 digits of the id of the room's object: the name of its database. Absent where it is of no room, or of many. */
  room: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
  /** The code of the refusal (`/errors`), where it was refused or closed by one. */
  refusal: z.string().optional(),
  ms: z.int().min(0),
};

/** A request, when its answer begins. */
export const RequestLine = z.strictObject({
  ...common,
  event: z.literal("request"),
  method: z.string(),
  /** The pattern of the route, such as `/v1/rooms/:room/messages`; absent where there is no such path. */
  route: z.string().optional(),
  status: z.int(),
});
export type RequestLine = z.infer<typeof RequestLine>;

const traffic = {
  /** WebSocket messages, of which one may hold several frames, or events. */
  framesIn: z.int().min(0),
  framesOut: z.int().min(0),
  /** UTF-16 units: bytes would take encoding each frame once more for each reader. */
  unitsIn: z.int().min(0),
  unitsOut: z.int().min(0),
  /** For how long these were counted: a room that sleeps forgets them. */
  countedMs: z.int().min(0),
};

/** A WebSocket or a stream of events, when it is over. */
export const ConnectionLine = z.strictObject({
  ...common,
  event: z.literal("connection"),
  transport: z.enum(["websocket", "events"]),
  /** As the `welcome` of a room's WebSocket says it. */
  connection: z.string(),
  /** Who ended it; `network`: it broke. */
  by: z.enum(["client", "server", "network"]),
  /** The close code of the WebSocket, or what it would have been. */
  close: z.int(),
  ...traffic,
});
export type ConnectionLine = z.infer<typeof ConnectionLine>;
