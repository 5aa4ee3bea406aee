/** Which plots a run has: one of each scenario that was measured, by the name of its file. */
import { wakeGoalMs } from "./caseTables.ts";
import { fanOutLoads } from "./loads.ts";
import type { Peer } from "./peers.ts";
import { type Column, type Plot, svgOf } from "./plot.ts";
import type { Results } from "./results.ts";
import type { Measured } from "./trialRun.ts";

type Kind = Measured["kind"];
type Case<Of extends Kind> = Extract<Measured, { kind: Of }> & { title: string };

export function plotsOf(results: Results, peers: readonly Peer[]): Record<string, string> {
  const plots: Record<string, Plot> = {
    ...Object.fromEntries(fanOutLoads.map(({ name }) => [`fan-out-${name}`, fanOutPlot(results, peers, name)])),
    burst: burstPlot(results, peers),
    crowd: crowdPlot(casesOf(results, "crowd", "audience")),
    depth: depthPlot(casesOf(results, "depth", "depth")),
    wake: wakePlot(casesOf(results, "wake", "wake")),
    request: requestPlot(casesOf(results, "request", "request")),
    ingest: ingestPlot(casesOf(results, "ingest", "ingest")),
  };
  const measured = Object.entries(plots).filter(([, { rows }]) => rows.length > 0);
  return Object.fromEntries(measured.map(([name, plot]) => [`${name}.svg`, svgOf(plot)]));
}

function casesOf<Of extends Kind>({ trials }: Results, trial: string, kind: Of): Case<Of>[] {
  return trials.flatMap((each) => {
    const { title, measured } = each;
    return each.trial === trial && isOf(measured, kind) ? [{ title, ...measured }] : [];
  });
}

function isOf<Of extends Kind>(measured: Measured, kind: Of): measured is Extract<Measured, { kind: Of }> {
  return measured.kind === kind;
}

function fanOutPlot(results: Results, peers: readonly Peer[], load: string): Plot {
  const measured = peers.flatMap(({ name, title }) => {
    const measure = results.fanOut(load, name);
    return measure === undefined ? [] : [{ label: title, isOurs: name === "parley", ...measure }];
  });
  return {
    title: `${load.replace("x", " subscribers × ")} messages a second`,
    rows: measured,
    columns: [
      column("CPU, µs a delivery", measured, ({ cpuUsPerDelivery }) => cpuUsPerDelivery),
      column("p50, ms", measured, ({ p50Ms }) => p50Ms),
      column("p99, ms", measured, ({ p99Ms }) => p99Ms),
    ],
  };
}

function burstPlot(results: Results, peers: readonly Peer[]): Plot {
  const measured = peers.flatMap(({ name, title }) => {
    const measure = results.burst(name);
    return measure === undefined ? [] : [{ label: title, isOurs: name === "parley", ...measure }];
  });
  return {
    title: "5,000 messages at once into one room, a quiet room read meanwhile",
    rows: measured,
    columns: [
      column("acked a second", measured, ({ ackedPerSecond }) => ackedPerSecond),
      column("CPU, µs a message", measured, ({ cpuUsPerMessage }) => cpuUsPerMessage),
      column("quiet room, worst ms", measured, ({ quietWorstMs }) => quietWorstMs),
    ],
  };
}

function crowdPlot(cases: readonly Case<"audience">[]): Plot {
  const readers = cases.flatMap(({ title, result }) => {
    const group = result.groups.toSorted((one, other) => other.places - one.places)[0];
    return group === undefined ? [] : [{ label: title, isOurs: true, ...group }];
  });
  return {
    title: "One room with thousands of sockets, a message a second",
    rows: readers,
    columns: [
      column("p50, ms", readers, ({ p50Ms }) => p50Ms),
      { ...column("p99, ms", readers, ({ p99Ms }) => p99Ms), goals: readers.map((_, row) => [200, 400][row]) },
      column("KB of a socket", readers, ({ kilobytesPerPlace }) => kilobytesPerPlace),
    ],
  };
}

function depthPlot(cases: readonly Case<"depth">[]): Plot {
  const sides = cases.flatMap(({ result: { deep, newest, middle, resume } }) => [
    {
      label: "1,000 messages",
      isOurs: false,
      newest: newest.shallowMs,
      middle: middle.shallowMs,
      resume: resume.shallowMs,
    },
    {
      label: `${deep.toLocaleString("en")} messages`,
      isOurs: true,
      newest: newest.deepMs,
      middle: middle.deepMs,
      resume: resume.deepMs,
    },
  ]);
  return {
    title: "A long history beside a short one, p50",
    rows: sides,
    columns: [
      column("newest 50, ms", sides, ({ newest }) => newest),
      column("50 in the middle, ms", sides, ({ middle }) => middle),
      column("connect, resume one, ms", sides, ({ resume }) => resume),
    ],
  };
}

function wakePlot(cases: readonly Case<"wake">[]): Plot {
  const groups = cases.flatMap(({ result }) =>
    result.groups.map((group) => ({ label: sockets(group.sockets), isOurs: true, ...group })),
  );
  const goals = groups.map((group) => wakeGoalMs(group.sockets));
  return {
    title: "A page asked of a room that sleeps, by the sockets in it",
    rows: groups,
    columns: [
      { ...column("p50, ms", groups, ({ p50Ms }) => p50Ms), goals },
      column("slowest, ms", groups, ({ maxMs }) => maxMs),
      column("awake, p50, ms", groups, ({ awakeMs }) => awakeMs),
    ],
  };
}

function requestPlot(cases: readonly Case<"request">[]): Plot {
  const kinds = cases.flatMap(({ result }) => [
    { label: "to an unknown path", isOurs: false, us: result.unknownUs },
    { label: "a publish refused after all checks", isOurs: true, us: result.refusedUs },
    { label: "a publish stored", isOurs: true, us: result.publishedUs },
  ]);
  return {
    title: "What a request over HTTP costs",
    rows: kinds,
    columns: [column("CPU of the server, µs", kinds, ({ us }) => us)],
  };
}

function ingestPlot(cases: readonly Case<"ingest">[]): Plot {
  const loads = cases.map(({ title, result }) => ({
    label: `${result.offeredPerSecond.toLocaleString("en")} offered${title.includes("room's limit") ? ", 8,000 allowed" : ""}`,
    isOurs: true,
    ...result,
  }));
  return {
    title: "Ten sockets publish into one room, a second of it",
    rows: loads,
    columns: [
      column("acked", loads, ({ ackedPerSecond }) => ackedPerSecond),
      column("refused", loads, ({ refusedPerSecond }) => refusedPerSecond),
      column("waiting at the end", loads, ({ waitingAtEnd }) => waitingAtEnd),
      column("p99, ms", loads, ({ p99Ms }) => p99Ms),
    ],
  };
}

function column<Row>(title: string, rows: readonly Row[], valueOf: (row: Row) => number): Column {
  return { title, values: rows.map(valueOf) };
}

function sockets(count: number): string {
  return count === 1 ? "1 socket" : `${count.toLocaleString("en")} sockets`;
}
