/** A client's end of the WebSocket of many rooms. */
import { exports } from "cloudflare:workers";
import { parseCursor } from "../../src/protocol/cursor.ts";
import type { ServerFrame, WelcomeFrame } from "../../src/protocol/serverFrames.ts";
import { FramedSocket } from "./framedSocket.ts";

/** On this connection a room's frame names the room; one of the connection itself names none. */
export type AddressedFrame = ServerFrame & { readonly room?: string };
type FrameOf<Type> = Extract<ServerFrame, { type: Type }> & { readonly room?: string };

interface JoinOptions {
  readonly cursor?: string | undefined;
  readonly backlog?: number;
  /** None unless a test is about it. */
  readonly presence?: "full" | "count" | "none";
}

export class ManySocket extends FramedSocket<AddressedFrame> {
  #joins = 0;

  /** Those of a room, or with null those of the connection itself. */
  of<Type extends ServerFrame["type"]>(room: string | null, type: Type): FrameOf<Type>[] {
    return this.in(room).filter((frame): frame is FrameOf<Type> => frame.type === type);
  }

  in(room: string | null, from = 0): AddressedFrame[] {
    return this.frames.slice(from).filter((frame) => (frame.room ?? null) === room);
  }

  /** The newest one of the room. */
  welcome(room: string): WelcomeFrame {
    const welcome = this.of(room, "welcome").at(-1);
    if (welcome === undefined) throw new Error(`no welcome of ${room} yet`);
    return welcome;
  }

  /** Joins, and waits until the room has brought it to its head. A refusal throws. */
  async join(room: string, { presence = "none", ...options }: JoinOptions = {}): Promise<WelcomeFrame> {
    const ref = `join-${++this.#joins}`;
    this.send({ type: "join", ref, room, presence, ...options });
    const answer = await this.answer(ref);
    if (answer.type !== "ack") throw new Error(JSON.stringify(answer));
    const from = this.frames.indexOf(answer);
    await this.until(() => isCaughtUp(this.in(room, from), options.cursor));
    return this.welcome(room);
  }

  async leave(room: string): Promise<void> {
    const ref = `leave-${++this.#joins}`;
    this.send({ type: "leave", ref, room });
    const answer = await this.answer(ref);
    if (answer.type !== "ack") throw new Error(JSON.stringify(answer));
  }

  /** Waits for the other side's farewell. */
  async untilClosed(): Promise<void> {
    await this.until(({ closed }) => closed !== null);
  }
}

export async function upgradeMany(token: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return exports.default.fetch("http://parley.test/v1/socket", {
    headers: { Upgrade: "websocket", "Sec-WebSocket-Protocol": `parley.v1, bearer.${token}`, ...headers },
  });
}

/** Opens a connection and joins these rooms. */
export async function connectMany(token: string, rooms: readonly string[] = []): Promise<ManySocket> {
  const response = await upgradeMany(token);
  if (response.webSocket === null) throw new Error(`not upgraded: ${response.status} ${await response.text()}`);
  const socket = new ManySocket(response.webSocket);
  await Promise.all(rooms.map((room) => socket.join(room)));
  return socket;
}

/** Whether all that follows in these frames of one room is live. */
function isCaughtUp(frames: readonly AddressedFrame[], cursor: string | undefined): boolean {
  const welcome = frames.find((frame) => frame.type === "welcome");
  if (welcome?.type !== "welcome") return false;
  const to = frames.findLast((frame) => frame.type === "changes")?.to;
  const stands = to ?? (welcome.resumed ? parseCursor(cursor ?? "")?.seq : undefined);
  return stands !== undefined && stands >= welcome.head;
}
