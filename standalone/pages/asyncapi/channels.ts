/** The connections of Parley, and what goes over each. */
import { refusals } from "../../../src/protocol/refusals.ts";
import * as examples from "./examples.ts";
import {
  events,
  eventsOfMessage,
  eventsOfRooms,
  type Kind,
  said,
  saidToRooms,
  type Schema,
  told,
  toldOfRooms,
} from "./schemas.ts";

export interface Channel {
  readonly address: string;
  readonly server: "sockets" | "streams";
  readonly title: string;
  readonly description: string;
  readonly query: Readonly<Record<string, Schema>>;
  /** What a client says; of a stream nothing. */
  readonly said: readonly Kind[];
  readonly told: readonly Kind[];
  /** Whether each frame but the connection's own names its room. */
  readonly ofRooms: boolean;
}

const cursor = {
  type: "string",
  description: "`<epoch>:<seq>`, where the reader stands; `0` for all. Without it the newest messages.",
};
const beginning = {
  cursor,
  backlog: { type: "integer", minimum: 0, maximum: 200, default: 50, description: "Newest messages to begin with." },
  presence: { type: "string", enum: ["full", "count", "none"], default: "full" },
};
const ticket = { type: "string", description: "In place of a header: `POST /v1/tickets`, for one opening." };

const rule =
  "A `changes` frame takes a reader from `from` to `to`: it is applied where `from` is not past the cursor, and else the reader comes back with its cursor.";

export const channels: Readonly<Record<string, Channel>> = {
  roomSocket: {
    address: "/v1/rooms/{room}/socket",
    server: "sockets",
    title: "A room's socket",
    description: `Frames are JSON objects in text frames; an array is a batch, either way. First \`welcome\`, then \`changes\` up to its \`head\`, then what happens. ${rule}`,
    query: beginning,
    said,
    told,
    ofRooms: false,
  },
  rooms: {
    address: "/v1/socket",
    server: "sockets",
    title: "A socket of many rooms",
    description:
      "As on a room's socket, and each frame names its `room`. `join` enters one of up to 100, `leave` leaves it.",
    query: {},
    said: saidToRooms,
    told: toldOfRooms,
    ofRooms: true,
  },
  roomEvents: {
    address: "/v1/rooms/{room}/events",
    server: "streams",
    title: "A room as Server-Sent Events",
    description:
      "An event's name is the frame's type, its data the rest of it. Only `changes` have an id, which is a cursor: `Last-Event-ID` resumes.",
    query: { ...beginning, ticket },
    said: [],
    told: events,
    ofRooms: false,
  },
  roomsEvents: {
    address: "/v1/events",
    server: "streams",
    title: "Up to 20 rooms as Server-Sent Events",
    description:
      "As of one room, and each event names its `room`. An id is the cursors of all rooms in their order, joined by commas. A room that refuses says so by `refused`.",
    query: {
      ...beginning,
      rooms: { type: "string", description: "Names joined by commas, each once." },
      cursor: { ...cursor, description: "One for each room, joined by commas." },
      ticket,
    },
    said: [],
    told: eventsOfRooms,
    ofRooms: true,
  },
  messageEvents: {
    address: "/v1/rooms/{room}/messages/{id}/stream",
    server: "streams",
    title: "One message that is streamed, as Server-Sent Events",
    description:
      "`snapshot`, then `delta`s each of which begins where the text so far ends, and `end`. Each has an id, by which `Last-Event-ID` resumes; who comes back after the end is answered 204.",
    query: { ticket },
    said: [],
    told: eventsOfMessage,
    ofRooms: false,
  },
};

/** What answers a frame that has a `ref`; everything else is answered by `ack`. */
const answers: Readonly<Record<string, string>> = {
  snapshot: "snapshot",
  "presence.get": "presence.page",
  history: "page",
  token: "token",
  ping: "pong",
};

export function answersTo(type: string): readonly string[] {
  return [answers[type] ?? "ack", "error"];
}

/** An example of the frame on that channel: addressed where it must be, and as the data of an event without its type. */
export function exampleOf({ said: listened, told: tells, ofRooms, server }: Channel, kind: Kind): object {
  const of = (table: Readonly<Record<string, object>>): object | undefined => table[kind.type];
  if (listened.includes(kind)) {
    const own = of(examples.saidOfRooms);
    if (own !== undefined) return own;
    const frame = of(examples.said) ?? {};
    return ofRooms && !["token", "ping"].includes(kind.type) ? { ...frame, room: "general" } : frame;
  }
  if (!tells.includes(kind)) throw new Error(`${kind.type} is not of this channel`);
  if (kind.schema.startsWith("Text")) return textExamples[kind.type] ?? {};
  const frame = of(examples.told) ?? examples.told.error;
  const addressed = ofRooms && !["token", "pong"].includes(kind.type) ? { room: "general", ...frame } : frame;
  if (server === "sockets") return addressed;
  const { type: _type, ref: _ref, ...data } = { ref: undefined, type: undefined, ...addressed };
  return data;
}

const textExamples: Readonly<Record<string, object>> = {
  snapshot: { id: 7, text: "Once upon a " },
  delta: { id: 7, at: 12, text: "time" },
  end: { id: 7, status: "sent", length: 16, cursor: "k3v9x2ab:9" },
};

/** Each code with the refusals that close by it. The range is the instruction. */
export const closeCodes = Object.entries(
  Object.groupBy(
    Object.entries(refusals).filter(([, { close }]) => close !== null),
    ([, { close }]) => String(close),
  ),
).map(([code, rows = []]) => ({
  code: Number(code),
  reconnect: Number(code) < 4500,
  refusals: rows.map(([refusal]) => refusal),
}));
