/** The command line: `run.ts [--repeat=3] [--seconds=5] [--only=parley,ws] [--loads=200x20,burst,sizes,depth] [--scale=1] [--keep=name]`. */
import { parseArgs } from "node:util";
import { type FanOutLoad, fanOutLoads } from "./loads.ts";
import { type Peer, peers } from "./peers.ts";
import { goalTrials, type TrialName, trialNames } from "./trials.ts";

export interface Arguments {
  repeat: number;
  windowSeconds: number;
  peers: readonly Peer[];
  loads: readonly FanOutLoad[];
  burst: boolean;
  sizes: boolean;
  /** Of Parley alone: those that are named, or else those that the goals ask for. */
  trials: readonly TrialName[];
  /** Of the trials' size, for trying them out. */
  scale: number;
  /** Under which its record, and beside it its plots, are kept in docs/performance, where the run is to be quoted. */
  keep: string | undefined;
}

export function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      repeat: { type: "string", default: "3" },
      seconds: { type: "string", default: "5" },
      only: { type: "string" },
      loads: { type: "string" },
      scale: { type: "string", default: "1" },
      keep: { type: "string" },
    },
  });
  const named = values.loads?.split(",");
  const isOther = (name: string) => name === "burst" || name === "sizes" || trialNames.some((trial) => trial === name);
  const loads = named?.filter((name) => !isOther(name));
  return {
    repeat: whole("--repeat", values.repeat),
    windowSeconds: whole("--seconds", values.seconds),
    peers: values.only === undefined ? peers : values.only.split(",").map(peerNamed),
    loads: loads === undefined ? fanOutLoads : loads.map(loadNamed),
    burst: named?.includes("burst") ?? true,
    sizes: named?.includes("sizes") ?? true,
    trials: trialNames.filter((name) => named?.includes(name) ?? goalTrials.some((trial) => trial === name)),
    keep: values.keep,
    scale: share("--scale", values.scale),
  };
}

function whole(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${option} takes a whole number from 1, not "${text}"`);
  return value;
}

function share(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new Error(`${option} takes a number above 0 and up to 1, not "${text}"`);
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
    throw new Error(
      `--loads: "${name}" is none of burst, sizes, ${trialNames.join(", ")} and <subscribers>x<messages per second>`,
    );
  }
  return { name, sockets: Number(sockets), messagesPerSecond: Number(messagesPerSecond) };
}
