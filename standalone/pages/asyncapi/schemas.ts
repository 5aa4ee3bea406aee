/** The frames' own schemas as JSON Schema of draft 7, which is what AsyncAPI reads; what several share stands once. */
import * as z from "zod";
import { Change } from "../../../src/protocol/changes.ts";
import { ClientFrame, JoinFrame, LeaveFrame, PingFrame, TokenFrame } from "../../../src/protocol/clientFrames.ts";
import { Member, Message, MessagePatch, RoomSettings } from "../../../src/protocol/message.ts";
import { TextDelta, TextEnd, TextSnapshot } from "../../../src/protocol/messageStream.ts";
import { RoomName } from "../../../src/protocol/names.ts";
import { PresentMember, ServerFrame } from "../../../src/protocol/serverFrames.ts";

export type Schema = Readonly<Record<string, unknown>>;

export interface Kind {
  /** Of the frame, and the event's name. */
  readonly type: string;
  /** Its name among the schemas. */
  readonly schema: string;
}

const registry = z.registry<{ id: string }>();
for (const [id, schema] of Object.entries({ Change, Message, MessagePatch, Member, RoomSettings, PresentMember }))
  registry.add(schema, { id });

function known(prefix: string, type: string, schema: z.ZodType): Kind {
  const words = type.split(".").map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`);
  const id = `${prefix}${words.join("")}`;
  registry.add(schema, { id });
  return { type, schema: id };
}

/** On a room's socket. */
export const said: readonly Kind[] = ClientFrame.options.map((frame) => known("Client", typeOf(frame), frame));

/** On a socket of many rooms every frame but these names its room. */
const ofNoRoom = [JoinFrame, LeaveFrame, TokenFrame, PingFrame];
export const saidToRooms: readonly Kind[] = [
  ...said.filter(({ type }) => type === "token" || type === "ping"),
  ...ofNoRoom.slice(0, 2).map((frame) => known("Client", typeOf(frame), frame)),
  ...ClientFrame.options
    .filter((frame) => !ofNoRoom.some((other) => other === frame))
    .map((frame) => known("RoomClient", typeOf(frame), frame.extend({ room: RoomName }))),
];

export const told: readonly Kind[] = ServerFrame.options.map((frame) => known("Server", typeOf(frame), frame));

/** Of the connection itself, when they name no room. */
const alsoOfNone = new Set(["token", "ping", "pong", "error", "closing"]);
export const toldOfRooms: readonly Kind[] = ServerFrame.options.map((frame) => {
  const type = typeOf(frame);
  return known("RoomServer", type, frame.extend({ room: alsoOfNone.has(type) ? RoomName.optional() : RoomName }));
});

/** An event's name says the type; on a stream of many rooms each names its room. */
const neverEvents = new Set(["ack", "error", "page", "presence.page", "pong"]);
const asEvents = ServerFrame.options.filter((frame) => !neverEvents.has(typeOf(frame)));
const refused = ServerFrame.options.filter((frame) => typeOf(frame) === "error");
export const events: readonly Kind[] = asEvents.map((frame) => known("Event", typeOf(frame), withoutType(frame)));
export const eventsOfRooms: readonly Kind[] = [
  ...asEvents.map((frame) => {
    const room = alsoOfNone.has(typeOf(frame)) ? RoomName.optional() : RoomName;
    return known("RoomEvent", typeOf(frame), withoutType(frame).extend({ room }));
  }),
  ...refused.map((frame) => known("RoomEvent", "refused", withoutType(frame).extend({ room: RoomName }))),
];
export const eventsOfMessage: readonly Kind[] = [
  known("Text", "snapshot", TextSnapshot),
  known("Text", "delta", TextDelta),
  known("Text", "end", TextEnd),
  ...events.filter(({ type }) => type === "token" || type === "closing"),
];

function typeOf(frame: z.ZodObject<{ type: z.ZodLiteral<string> }>): string {
  return frame.shape.type.value;
}

function withoutType(frame: z.ZodObject): z.ZodObject {
  return z.object(Object.fromEntries(Object.entries(frame.shape).filter(([name]) => name !== "type")));
}

/** A reader ignores fields that it does not know, so what the server says is open; what a client says is closed. */
export const schemas: Readonly<Record<string, Schema>> = Object.fromEntries(
  Object.entries(
    z.toJSONSchema(registry, {
      target: "draft-07",
      io: "input",
      unrepresentable: "any",
      uri: (id) => `#/components/schemas/${id}`,
    }).schemas,
  ).map(([id, { $schema: _dialect, $id: _id, ...schema }]) => [id, mended(schema)]),
);

/** A pattern with flags is written down as `…/u`, which nothing matches; a whole number has no bounds but JSON's own. */
function mended(schema: object): Schema {
  return JSON.parse(
    JSON.stringify(schema, (name, value) =>
      name === "pattern" && typeof value === "string" ? value.replace(/\/u$/, "") : value,
    ),
  );
}
