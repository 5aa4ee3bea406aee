/** A client's end of a room's WebSocket. */
import { exports } from "cloudflare:workers";
import type { ServerFrame, WelcomeFrame } from "../../src/protocol/serverFrames.ts";
import { FramedSocket } from "./framedSocket.ts";

export interface SocketOptions {
  readonly token: string;
  readonly cursor?: string | undefined;
  readonly backlog?: number;
  /** None unless a test is about it. */
  readonly presence?: "full" | "count" | "none";
  readonly headers?: Readonly<Record<string, string>>;
}

type FrameOf<Type> = Extract<ServerFrame, { type: Type }>;

export class TestSocket extends FramedSocket<ServerFrame> {
  of<Type extends ServerFrame["type"]>(type: Type): FrameOf<Type>[] {
    return this.frames.filter((frame): frame is FrameOf<Type> => frame.type === type);
  }

  get welcome(): WelcomeFrame {
    const [welcome] = this.of("welcome");
    if (welcome === undefined) throw new Error("no welcome yet");
    return welcome;
  }
}

/** How an upgrade is asked for. */
export function openingOf({ token, cursor, backlog, presence = "none", headers }: SocketOptions): {
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
} {
  const query = new URLSearchParams({
    presence,
    ...(cursor === undefined ? {} : { cursor }),
    ...(backlog === undefined ? {} : { backlog: String(backlog) }),
  });
  return { query: `?${query}`, headers: { "Sec-WebSocket-Protocol": `parley.v1, bearer.${token}`, ...headers } };
}

export async function upgrade(room: string, options: SocketOptions): Promise<Response> {
  const { query, headers } = openingOf(options);
  return exports.default.fetch(`http://parley.test/v1/rooms/${room}/socket${query}`, {
    headers: { Upgrade: "websocket", ...headers },
  });
}

/** Opens a socket and waits until it has caught up: `welcome`, and the frames that bring it to head. */
export async function connect(room: string, options: SocketOptions): Promise<TestSocket> {
  return connected(await upgrade(room, options));
}

/** Of what was answered to an upgrade. */
export async function connected(response: Response): Promise<TestSocket> {
  if (response.webSocket === null) throw new Error(`not upgraded: ${response.status} ${await response.text()}`);
  const socket = new TestSocket(response.webSocket);
  await socket.until(({ closed }) => closed !== null || caughtUp(socket));
  return socket;
}

function caughtUp(socket: TestSocket): boolean {
  const [welcome] = socket.of("welcome");
  if (welcome === undefined) return false;
  const to = socket.of("changes").at(-1)?.to;
  if (welcome.resumed && to === undefined) return true;
  return to !== undefined && to >= welcome.head;
}
