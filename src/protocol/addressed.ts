/** Frames of a connection of many rooms: for the connection itself, or addressed to one of its rooms. */
import * as z from "zod";
import { JoinFrame, LeaveFrame, PingFrame } from "./clientFrames.ts";
import { decodeEach, decodeWith, refOf, type Undecoded } from "./decode.ts";
import { RoomName } from "./names.ts";
import { type Refusal, refuse } from "./refusals.ts";

const ConnectionFrame = z.discriminatedUnion("type", [JoinFrame, LeaveFrame, PingFrame]);
export type ConnectionFrame = z.infer<typeof ConnectionFrame>;

/** What the room will look at itself: its frame as JSON, without the address. */
export interface Letter {
  readonly ok: true;
  readonly room: string;
  readonly ref: string | undefined;
  readonly json: string;
}

export type Addressed = { readonly ok: true; readonly frame: ConnectionFrame } | Letter | Undecoded;

const ofTheConnection: ReadonlySet<unknown> = new Set(["join", "leave"]);

export function decodeAddressed(raw: string | ArrayBuffer, frameBytes: number): readonly (Addressed | Refusal)[] {
  return decodeEach(raw, frameBytes, addressedOf);
}

function addressedOf(value: unknown): Addressed {
  if (typeof value !== "object" || value === null || !("type" in value) || ofTheConnection.has(value.type))
    return decodeWith(ConnectionFrame, value);
  if (!("room" in value))
    return value.type === "ping" ? decodeWith(ConnectionFrame, value) : lost(value, "Say for which `room` this is.");
  const { room, ...frame } = value;
  const name = RoomName.safeParse(room);
  return name.success
    ? { ok: true, room: name.data, ref: refOf(value), json: JSON.stringify(frame) }
    : lost(value, `\`room\`: ${name.error.issues[0]?.message ?? "no room's name"}.`);
}

function lost(value: unknown, why: string): Undecoded {
  const ref = refOf(value);
  return { ...refuse("bad_frame", why), ...(ref === undefined ? {} : { ref }) };
}
