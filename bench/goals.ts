/** The goals of PERFORMANCE.md that this bench can judge. */
import type { PeerName } from "./peers.ts";
import type { Results } from "./results.ts";

export interface Goal {
  what: string;
  unit: string;
  limit: { atMost: number } | { atLeast: number };
  /** Undefined when one of its sides was not measured. */
  measured: (results: Results) => number | undefined;
}

export const goals: readonly Goal[] = [
  cpuGoal("100x1000", "socketio", 0.5),
  latencyGoal("100x1000", "p50Ms", 10),
  latencyGoal("100x1000", "p99Ms", 40),
  cpuGoal("200x200", "socketio", 1),
  latencyGoal("200x200", "p50Ms", 20),
  cpuGoal("500x100", "socketio", 1),
  latencyGoal("500x100", "p50Ms", 30),
  {
    what: "200x20: p50 ÷ do-memory",
    unit: "×",
    limit: { atMost: 1.3 },
    measured: (results) =>
      ratio(results.fanOut("200x20", "parley")?.p50Ms, results.fanOut("200x20", "do-memory")?.p50Ms),
  },
  {
    what: "burst: acked durably",
    unit: "/s",
    limit: { atLeast: 15_000 },
    measured: (results) => results.burst("parley")?.ackedPerSecond,
  },
  {
    what: "burst: worst wait of the quiet room",
    unit: "ms",
    limit: { atMost: 20 },
    measured: (results) => results.burst("parley")?.quietWorstMs,
  },
  cpuGoal("100x1000", "centrifugo", 1),
];

export function isMet({ limit }: Goal, measured: number): boolean {
  return "atMost" in limit ? measured <= limit.atMost : measured >= limit.atLeast;
}

export function ratio(ours: number | undefined, theirs: number | undefined): number | undefined {
  return ours === undefined || theirs === undefined || theirs === 0 ? undefined : ours / theirs;
}

function cpuGoal(load: string, peer: PeerName, atMost: number): Goal {
  return {
    what: `${load}: CPU per delivery ÷ ${peer}`,
    unit: "×",
    limit: { atMost },
    measured: (results) =>
      ratio(results.fanOut(load, "parley")?.cpuUsPerDelivery, results.fanOut(load, peer)?.cpuUsPerDelivery),
  };
}

function latencyGoal(load: string, figure: "p50Ms" | "p99Ms", atMost: number): Goal {
  return {
    what: `${load}: ${figure.slice(0, 3)}`,
    unit: "ms",
    limit: { atMost },
    measured: (results) => results.fanOut(load, "parley")?.[figure],
  };
}
