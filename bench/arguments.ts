/** The command line: `run.ts [--repeat=3] [--seconds=5] [--only=parley,ws] [--loads=200x20,burst]`. */
import { parseArgs } from "node:util";
import { type FanOutLoad, fanOutLoads } from "./loads.ts";
import { type Peer, peers } from "./peers.ts";

export interface Arguments {
  repeat: number;
  windowSeconds: number;
  peers: readonly Peer[];
  loads: readonly FanOutLoad[];
  burst: boolean;
}

export function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      repeat: { type: "string", default: "3" },
      seconds: { type: "string", default: "5" },
      only: { type: "string" },
      loads: { type: "string" },
    },
  });
  const loads = values.loads?.split(",");
  return {
    repeat: whole("--repeat", values.repeat),
    windowSeconds: whole("--seconds", values.seconds),
    peers: values.only === undefined ? peers : values.only.split(",").map(peerNamed),
    loads: loads === undefined ? fanOutLoads : loads.filter((name) => name !== "burst").map(loadNamed),
    burst: loads?.includes("burst") ?? true,
  };
}

function whole(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${option} takes a whole number from 1, not "${text}"`);
  return value;
}

function peerNamed(name: string): Peer {
  const peer = peers.find((each) => each.name === name);
  if (peer === undefined)
    throw new Error(`--only: no peer "${name}"; there are ${peers.map((each) => each.name).join(", ")}`);
  return peer;
}

function loadNamed(name: string): FanOutLoad {
  const [, sockets, messagesPerSecond] = /^(\d+)x(\d+)$/.exec(name) ?? [];
  if (sockets === undefined || messagesPerSecond === undefined) {
    throw new Error(`--loads: "${name}" is neither burst nor <subscribers>x<messages per second>`);
  }
  return { name, sockets: Number(sockets), messagesPerSecond: Number(messagesPerSecond) };
}
