/** A message being streamed in a room, its producer and its readers. */
import type { Caller } from "../../src/objects/room/existence.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import type { Session } from "../../src/protocol/session.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { ServerFrame } from "../../src/protocol/serverFrames.ts";
import { call, everything } from "./api.ts";
import { eventually } from "./clock.ts";
import { ask, type Place } from "./place.ts";
import type { TestSocket } from "./socket.ts";

let begun = 0;

/** Answers its id. */
export async function begin(socket: TestSocket, content: object = {}): Promise<number> {
  const answer = await ask(socket, { type: "publish", nonce: `stream-${++begun}-nonce`, streaming: true, ...content });
  if (answer.type !== "ack" || answer.id === undefined) throw new Error(`no stream: ${JSON.stringify(answer)}`);
  return answer.id;
}

export const append = (socket: TestSocket, id: number, at: number, text: string): Promise<ServerFrame> =>
  ask(socket, { type: "append", id, at, text });

export const finish = (socket: TestSocket, id: number, more: object = {}): Promise<ServerFrame> =>
  ask(socket, { type: "finish", id, status: "sent", ...more });

/** For calls of the object itself. */
export function callerOf(user: string | null, capabilities = everything): Caller {
  const rights = [...capabilities] as Session["capabilities"];
  return {
    session: {
      connection: "call",
      user,
      name: user,
      capabilities: rights,
      ceiling: rights,
      key: "k",
      token: null,
      issuedAt: Date.now(),
      expiresAt: null,
    },
    policy: { version: 0, limits: defaultLimits, autoCreate: true },
  };
}

/** The text that a reader has of a message, by what this socket was sent and by the reader's rule alone. */
export function textIn(socket: TestSocket, id: number): string | null | undefined {
  let text: string | null | undefined;
  for (const frame of socket.frames) {
    if (frame.type === "changes")
      for (const change of frame.changes)
        if (change.type === "message" && change.message.id === id && "text" in change.message)
          text = change.message.text;
    if (frame.type === "snapshot" && frame.id === id) text = frame.text;
    if (frame.type === "delta" && frame.id === id && (text?.length ?? 0) >= frame.at)
      text = (text ?? "").slice(0, frame.at) + frame.text;
  }
  return text;
}

export async function untilText(socket: TestSocket, id: number, text: string): Promise<void> {
  await eventually(
    () => textIn(socket, id) === text,
    () => ({ wanted: text, frames: socket.frames.slice(-8) }),
  );
}

export async function stored(room: Place, id: number): Promise<Message> {
  const answer = await call(`/v1/rooms/${room.room}/messages/${id}`, { credential: room.tenant.key });
  return (await answer.json<{ message: Message }>()).message;
}
