/** Frames of a connection of many rooms: for the connection itself, or addressed to one of its rooms. */
import * as z from "zod";
import { ClientFrame, JoinFrame, LeaveFrame, PingFrame, TokenFrame } from "./clientFrames.ts";
import { decodeEach, decodeWith, refOf, type Undecoded } from "./decode.ts";
import { RoomName } from "./names.ts";
import { refuse } from "./refusals.ts";
import { utf8Length } from "./text.ts";

const ConnectionFrame = z.discriminatedUnion("type", [JoinFrame, LeaveFrame, TokenFrame, PingFrame]);
export type ConnectionFrame = z.infer<typeof ConnectionFrame>;

/** A frame that a room can take, as JSON, without the address. */
export interface Letter {
  readonly ok: true;
  readonly room: string;
  readonly ref: string | undefined;
  readonly json: string;
}

/** Where the room is known for which it was meant, the refusal names it too. */
type Misaddressed = Undecoded & { readonly room?: string };

export type Addressed =
  | { readonly ok: true; readonly frame: ConnectionFrame; readonly room?: string }
  | Letter
  | Misaddressed;

const ofTheConnection: ReadonlySet<unknown> = new Set(["join", "leave"]);
/** These name no room. */
const ofNoRoom: ReadonlySet<unknown> = new Set(["token", "ping"]);

export function decodeAddressed(raw: string | ArrayBuffer, frameBytes: number): readonly Addressed[] {
  return decodeEach(raw, frameBytes, (value) => addressedOf(value, frameBytes));
}

function addressedOf(value: unknown, frameBytes: number): Addressed {
  if (typeof value !== "object" || value === null || !("type" in value) || ofTheConnection.has(value.type))
    return decodeWith(ConnectionFrame, value);
  if (!("room" in value))
    return ofNoRoom.has(value.type) ? decodeWith(ConnectionFrame, value) : lost(value, "Say for which `room` this is.");
  const { room: address, ...content } = value;
  const room = RoomName.safeParse(address);
  if (!room.success) return lost(value, `\`room\`: ${room.error.issues[0]?.message ?? "no room's name"}.`);
  // Decoded here, because what JSON can hold it cannot always write again: depth without end, 1e400.
  const decoded = decodeWith(ClientFrame, content);
  if (!decoded.ok) return { ...decoded, room: room.data };
  // The platform's answer to it is the Worker's own, and never passed on.
  if (decoded.frame.type === "ping") return { ok: true, frame: decoded.frame, room: room.data };
  // A room's own would end with the connection all the same.
  if (decoded.frame.type === "token")
    return { ...lost(value, "A new token is for the whole connection: it names no `room`."), room: room.data };
  const { ref } = decoded.frame;
  const json = JSON.stringify(decoded.frame);
  // Written again, `1e9` is longer than it was.
  if (utf8Length(json) <= frameBytes) return { ok: true, room: room.data, ref, json };
  const tooLarge = refuse("too_large", `A frame may have ${frameBytes} bytes.`);
  return { ...tooLarge, room: room.data, ...(ref === undefined ? {} : { ref }) };
}

function lost(value: unknown, why: string): Undecoded {
  const ref = refOf(value);
  return { ...refuse("bad_frame", why), ...(ref === undefined ? {} : { ref }) };
}
