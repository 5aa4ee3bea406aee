/** The servers that are compared: how each is started, and what a generator needs to reach it. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Target } from "./target.ts";
import { freePort } from "./port.ts";
import { Server } from "./server.ts";
import * as centrifuge from "./centrifuge.ts";
import * as centrifugo from "./centrifugo.ts";
import * as tenant from "./tenant.ts";
import type { ServerWish } from "./trials.ts";

export type PeerName = "parley" | "ws" | "socketio" | "do-memory" | "partyserver" | "centrifuge" | "centrifugo";

export interface Peer {
  name: PeerName;
  title: string;
  /** Which of the server's processes are charged. */
  counted: "workerd" | "all";
  /** Whether it stores messages and so takes part in the burst. */
  durable: boolean;
  /** Why this machine cannot run it at all; undefined when it can. */
  absent?: () => string | undefined;
  start(dataFolder: string): Promise<Running>;
}

export interface Running {
  server: Server;
  target: Target;
}

const folder = import.meta.dirname;

/** Its launcher is a part of the product: all its processes are charged. */
export const parley: Peer = {
  name: "parley",
  title: "Parley (npm start)",
  counted: "all",
  durable: true,
  start: (data) => startParley(data, {}),
};

export const peers: readonly Peer[] = [
  {
    name: "ws",
    title: "ws 8 on Node, in memory",
    counted: "all",
    durable: false,
    start: async () => unsigned("ws", await node(["servers/ws.ts"])),
  },
  {
    name: "socketio",
    title: "Socket.IO 4.8, in memory",
    counted: "all",
    durable: false,
    start: async () => unsigned("socketio", await node(["servers/socketio.ts"])),
  },
  {
    name: "do-memory",
    title: "DO broadcast, no storage",
    counted: "workerd",
    durable: false,
    start: async (data) =>
      unsigned("memory", await node(["servers/miniflare.ts", "servers/memory-room.worker.ts", data])),
  },
  {
    name: "partyserver",
    title: "partyserver, insert + broadcast",
    counted: "workerd",
    durable: true,
    start: async (data) =>
      unsigned("partyserver", await node(["servers/miniflare.ts", "servers/partyserver-room.worker.ts", data])),
  },
  {
    name: "centrifuge",
    title: "Centrifuge 0.15, memory engine, history",
    counted: "all",
    durable: false,
    absent: centrifuge.absent,
    start: async (data) => unsigned("centrifuge", await centrifuge.start(data)),
  },
  {
    name: "centrifugo",
    title: "Centrifugo 6, memory engine, history",
    counted: "all",
    durable: false,
    absent: () => (centrifugo.binary() === undefined ? "no centrifugo" : undefined),
    start: async (data) => unsigned("centrifugo", await centrifugo.start(data)),
  },
  parley,
];

/** A bench server of ours: it says `ready <base>`. */
function node(args: readonly string[]): Promise<Server> {
  return Server.start({ command: process.execPath, args, cwd: folder, env: {}, ready: readyLine });
}

function unsigned(dialect: Target["dialect"], server: Server): Running {
  return { server, target: { dialect, base: server.base, tokens: [], pageHeaders: {} } };
}

/** As `npm start` does, with a tenant. */
export async function startParley(data: string, { limits = {} }: ServerWish): Promise<Running> {
  const root = join(folder, "..");
  const entry = join(root, "standalone", "start.ts");
  if (!existsSync(entry)) throw new Error("standalone/start.ts does not exist");
  await mkdir(data, { recursive: true });
  const operatorKey = randomBytes(32).toString("hex");
  const secrets = { OPERATOR_KEY: operatorKey, MASTER_KEY: `1:${randomBytes(24).toString("hex")}` };
  const env = { ...secrets, PORT: String(await freePort()), HOST: "127.0.0.1", DATA_DIR: data };
  const server = await Server.start({ command: process.execPath, args: [entry], cwd: root, env, ready: readyLine });
  try {
    return {
      server,
      target: { dialect: "parley", base: server.base, ...(await tenant.provision(server.base, operatorKey, limits)) },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

function readyLine(line: string): string | undefined {
  return /^ready (http:\/\/\S+?)\/?$/.exec(line)?.[1];
}
