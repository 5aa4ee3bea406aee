/** A world for tests of many rooms on one WebSocket, and what they say and look at. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import worker from "../../src/index.ts";
import { leavePlace, takePlace } from "../../src/objects/room/connections.ts";
import { everything, type TestTenant } from "../support/api.ts";
import { type AddressedFrame, ManySocket } from "../support/manySocket.ts";
import { roomy } from "../support/roomy.ts";
import { call, newTenant, newToken } from "./edge.ts";

export const all = { "*": everything };

export interface World {
  readonly tenant: TestTenant;
  /** Of the user `ada`, who may do everything in every room. */
  readonly ada: string;
  readonly bo: string;
}

export async function newWorld(limits: Readonly<Record<string, number>> = roomy, settings = {}): Promise<World> {
  const tenant = await newTenant(limits, settings);
  const [ada, bo] = await Promise.all([newToken(tenant, "ada", all), newToken(tenant, "bo", all)]);
  return { tenant, ada, bo };
}

let sent = 0;
export const publish = (room: string, text = "text"): { ref: string; room: string } & Record<string, unknown> => {
  const ref = `p${++sent}`;
  return { type: "publish", ref, room, nonce: `nonce-${ref}-x`, text };
};

/** Publishes and waits for the ack: its seq. */
export async function published(socket: ManySocket, room: string, text?: string): Promise<number> {
  const frame = publish(room, text);
  socket.send(frame);
  const answer = await socket.answer(frame.ref);
  expect(answer).toMatchObject({ type: "ack", room });
  return answer.type === "ack" ? (answer.seq ?? -1) : -1;
}

/** As somebody else, over HTTP: the id. */
export async function post(credential: string, room: string, text = "text"): Promise<number> {
  const posted = await call(`/v1/rooms/${room}/messages`, { method: "POST", credential, body: { text } });
  if (posted.status !== 201) throw new Error(await posted.text());
  return (await posted.json<{ message: { id: number } }>()).message.id;
}

export async function textsOf({ tenant }: World, room: string): Promise<(string | null)[]> {
  const found = await call(`/v1/rooms/${room}/messages?limit=200`, { credential: tenant.key });
  if (!found.ok) return [];
  return (await found.json<{ messages: { text: string | null }[] }>()).messages.map(({ text }) => text);
}

export async function onlineIn({ tenant }: World, room: string): Promise<number> {
  const found = await call(`/v1/rooms/${room}`, { credential: tenant.key });
  return (await found.json<{ online: number }>()).online;
}

export const textsTold = (frames: readonly AddressedFrame[]): (string | null | undefined)[] =>
  frames
    .flatMap((frame) => (frame.type === "changes" ? frame.changes : []))
    .flatMap((change) => (change.type === "message" ? [change.message.text] : []));

/** One chain without a hole, from a reset or the cursor on. */
export function isChain(frames: readonly AddressedFrame[]): void {
  const told = frames.filter((frame) => frame.type === "changes");
  told.forEach(({ from, reset }, index) => {
    if (index > 0 && reset !== true) expect(from).toBe(told[index - 1]?.to);
  });
}

/** What the client was told up to the answer to a ping behind these frames. Rooms answer later. */
export async function toldOf(socket: ManySocket, ...frames: unknown[]): Promise<AddressedFrame[]> {
  const from = socket.frames.length;
  const pongs = socket.of(null, "pong").length;
  socket.send(...frames, { type: "ping" });
  await socket.until(({ closed }) => closed !== null || socket.of(null, "pong").length > pongs);
  return socket.frames.slice(from).filter(({ type }) => type !== "pong");
}

/** The rooms still hear and speak. */
export async function goOn(socket: ManySocket, ...rooms: string[]): Promise<void> {
  for (const room of rooms) {
    const seq = await published(socket, room, "still here");
    await socket.until(() => socket.of(room, "changes").at(-1)?.to === seq);
  }
  expect(socket.closed).toBeNull();
}

/** The same Worker, whose way to rooms is slow: each waits until it is let through. */
export function slowRooms(): {
  readonly bindings: typeof env;
  readonly waiting: string[];
  /** The first that waits for this room; with an error the way to it is broken. */
  letIn(room?: string, error?: Error): Promise<void>;
  letAllIn(): void;
} {
  const gates: { readonly room: string; readonly open: (error?: Error) => void }[] = [];
  const waiting: string[] = [];
  let open = false;
  const pass = async (room: string): Promise<void> => {
    if (open) return;
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    waiting.push(room);
    gates.push({ room, open: resolve });
    const error = await promise;
    waiting.splice(waiting.indexOf(room), 1);
    if (error !== undefined) throw error;
  };
  const getByName = (name: string): object => {
    const room = name.slice(name.indexOf("/") + 1);
    const stub = env.ROOM.getByName(name);
    return {
      fetch: async (...given: Parameters<typeof stub.fetch>) => {
        await pass(room);
        return stub.fetch(...given);
      },
    };
  };
  return {
    bindings: { ...env, ROOM: { getByName } as unknown as typeof env.ROOM },
    waiting,
    async letIn(room, error) {
      await expect.poll(() => gates.some((gate) => room === undefined || gate.room === room)).toBe(true);
      const [gate] = gates.splice(
        gates.findIndex((each) => room === undefined || each.room === room),
        1,
      );
      gate?.open(error);
    },
    letAllIn() {
      open = true;
      for (const gate of gates.splice(0)) gate.open();
    },
  };
}

/** Opened without a request of its own, with other bindings. */
export function askWith(bindings: typeof env, token: string): Promise<Response> {
  const headers = { Upgrade: "websocket", Authorization: `Bearer ${token}` };
  const request = new Request("http://parley.test/v1/socket", { headers });
  return Promise.resolve(worker.fetch(request, bindings, createExecutionContext()));
}

export function opened(response: Response): ManySocket {
  if (response.webSocket === null) throw new Error(`not upgraded: ${response.status}`);
  expect(response.status).toBe(101);
  return new ManySocket(response.webSocket);
}

/** How many places are taken among the connections of this process. */
export function placesTaken(): number {
  for (let taken = 0; ; taken++)
    if (takePlace("probe", { connections: taken + 1, files: Infinity })) {
      leavePlace("probe");
      return taken;
    }
}
