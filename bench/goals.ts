/** The goals: what each is measured by in a run, or where else it is. */

import { wakeGoalMs } from "./caseTables.ts";
import type { DepthResult } from "./depthJob.ts";
import type { PeerName } from "./peers.ts";
import type { Results } from "./results.ts";
import type { CaseMeasure, Measured } from "./trialRun.ts";

interface Judged {
  what: string;
  unit: string;
  limit: { atMost: number } | { atLeast: number };
  /** Undefined when one of its sides was not measured. */
  measured: (results: Results) => number | undefined;
}

/** What no run of this bench can say better than the test or scenario that is named. */
interface Cited {
  what: string;
  cited: string;
}

export type Goal = Judged | Cited;

export const goals: readonly Goal[] = [
  cpuGoal("100x1000", ["socketio"], 0.5),
  latencyGoal("100x1000", "p50Ms", 10),
  latencyGoal("100x1000", "p99Ms", 40),
  cpuGoal("200x200", ["socketio"], 1),
  latencyGoal("200x200", "p50Ms", 20),
  cpuGoal("500x100", ["socketio"], 1),
  latencyGoal("500x100", "p50Ms", 30),
  goal("200x20: p50 ÷ do-memory", "×", { atMost: 1.3 }, (results) =>
    ratio(results.fanOut("200x20", "parley")?.p50Ms, results.fanOut("200x20", "do-memory")?.p50Ms),
  ),
  // Where there is no Centrifugo, its library stands for it.
  cpuGoal("100x1000", ["centrifugo", "centrifuge"], 1),
  goal("burst: acked durably", "/s", { atLeast: 15_000 }, (results) => results.burst("parley")?.ackedPerSecond),
  goal("burst: worst wait of the quiet room", "ms", { atMost: 20 }, (results) => results.burst("parley")?.quietWorstMs),
  goal("ingest: acked durably, sustained", "/s", { atLeast: 8_000 }, (results) => most(results, sustained)),
  goal("ingest at twice that: seconds of work in waiting", "s", { atMost: 1 }, (results) => worst(results, backlog)),
  goal("crowd of 5,000: p99", "ms", { atMost: 200 }, (results) => worst(results, crowdOf(5_000, "p99Ms"))),
  goal("crowd of 5,000: missing", "", { atMost: 0 }, (results) => worst(results, crowdOf(5_000, "missing"))),
  goal("crowd of 8,900: p99", "ms", { atMost: 400 }, (results) => worst(results, crowdOf(8_900, "p99Ms"))),
  goal("crowd of 8,900: missing", "", { atMost: 0 }, (results) => worst(results, crowdOf(8_900, "missing"))),
  { what: "storm: 5,000 dropped at once, all back within 30 s, no errors", cited: "npm run load -- storm" },
  goal("history page at 1,000,000 ÷ at 1,000", "×", { atMost: 1.3 }, (results) =>
    worst(results, ({ measured }) => deepOnly(measured, ({ newest, middle }) => Math.max(newest.ratio, middle.ratio))),
  ),
  goal("resume of 1 message at 1,000,000 ÷ at 1,000", "×", { atMost: 1.2 }, (results) =>
    worst(results, ({ measured }) => deepOnly(measured, ({ resume }) => resume.ratio)),
  ),
  { what: "plain message: 1 row and 1 index entry", cited: "test/objects/publish.test.ts, rowsWritten" },
  goal("wake: p50 ÷ (10 ms + 12 µs a socket)", "×", { atMost: 1 }, (results) => worst(results, wakeShare)),
  goal("idle rooms: CPU while all sleep", "ms/s", { atMost: 10 }, (results) =>
    worst(results, ({ measured }) => (measured.kind === "wake" ? measured.result.restCpuMsPerSecond : undefined)),
  ),
  goal("Worker bundle, gzip", "KB", { atMost: 250 }, ({ sizes }) => sizes?.workerKilobytes),
  goal("SDK core, brotli", "KB", { atMost: 8 }, ({ sizes }) => sizes?.sdkKilobytes),
  goal("REST publish: CPU for auth and validation", "ms", { atMost: 0.5 }, (results) =>
    worst(results, ({ measured }) => (measured.kind === "request" ? measured.result.checkedUs / 1000 : undefined)),
  ),
];

export function isMet({ limit }: Judged, measured: number): boolean {
  return "atMost" in limit ? measured <= limit.atMost : measured >= limit.atLeast;
}

export function ratio(ours: number | undefined, theirs: number | undefined): number | undefined {
  return ours === undefined || theirs === undefined || theirs === 0 ? undefined : ours / theirs;
}

function goal(what: string, unit: string, limit: Judged["limit"], measured: Judged["measured"]): Judged {
  return { what, unit, limit, measured };
}

/** Beside the first of these that was measured. */
function cpuGoal(load: string, peers: readonly PeerName[], atMost: number): Judged {
  return goal(`${load}: CPU per delivery ÷ ${peers.join(" or ")}`, "×", { atMost }, (results) => {
    const beside = peers.map((peer) => results.fanOut(load, peer)).find((theirs) => theirs !== undefined);
    return ratio(results.fanOut(load, "parley")?.cpuUsPerDelivery, beside?.cpuUsPerDelivery);
  });
}

function latencyGoal(load: string, figure: "p50Ms" | "p99Ms", atMost: number): Judged {
  return goal(
    `${load}: ${figure.slice(0, 3)}`,
    "ms",
    { atMost },
    (results) => results.fanOut(load, "parley")?.[figure],
  );
}

type FigureOf = (measure: CaseMeasure) => number | undefined;

function most({ trials }: Results, figureOf: FigureOf): number | undefined {
  const figures = trials.map(figureOf).filter((figure) => figure !== undefined);
  return figures.length === 0 ? undefined : Math.max(...figures);
}

/** Every case has to meet it. */
const worst = most;

/** Of a load that the room keeps up with: nothing refused, nothing lost, and no more waits at the end than fits into a second. */
function sustained({ measured }: CaseMeasure): number | undefined {
  if (measured.kind !== "ingest") return undefined;
  const { ackedPerSecond, refusedPerSecond, unanswered, missing, waitingAtEnd } = measured.result;
  const keepsUp = refusedPerSecond === 0 && unanswered + missing === 0 && waitingAtEnd < ackedPerSecond;
  return keepsUp ? ackedPerSecond : 0;
}

/** Where the room's limit is the goal and twice that is offered: how long the room would need for what waits at the end. */
function backlog({ measured, title }: CaseMeasure): number | undefined {
  if (measured.kind !== "ingest" || !title.includes("room's limit")) return undefined;
  const { waitingAtEnd, ackedPerSecond } = measured.result;
  return waitingAtEnd / Math.max(1, ackedPerSecond);
}

function crowdOf(sockets: number, figure: "p99Ms" | "missing"): FigureOf {
  return ({ trial, measured }) => {
    if (trial !== "crowd" || measured.kind !== "audience") return undefined;
    const { groups } = measured.result;
    const places = groups.reduce((sum, group) => sum + group.places, 0);
    return places === sockets ? Math.max(...groups.map((group) => group[figure])) : undefined;
  };
}

function deepOnly(measured: Measured, figureOf: (result: DepthResult) => number): number | undefined {
  return measured.kind === "depth" ? figureOf(measured.result) : undefined;
}

function wakeShare({ measured }: CaseMeasure): number | undefined {
  if (measured.kind !== "wake") return undefined;
  return Math.max(...measured.result.groups.map(({ p50Ms, sockets }) => p50Ms / wakeGoalMs(sockets)));
}
