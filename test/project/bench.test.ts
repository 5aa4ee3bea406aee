/** What the bench says of a run, without running it. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { goals, isMet } from "../../bench/goals.ts";
import { peers } from "../../bench/peers.ts";
import { svgOf } from "../../bench/plot.ts";
import { plotsOf } from "../../bench/plots.ts";
import { Results } from "../../bench/results.ts";
import type { CaseMeasure } from "../../bench/trialRun.ts";

const docs = join(import.meta.dirname, "../../docs");

const quiet = {
  missing: 0,
  duplicates: 0,
  refused: 0,
  firstRefusal: null,
  closed: [],
  generatorBusy: 0,
  othersBusy: 0,
};
const steady = { cpuUsPerDelivery: 4, deliveriesPerSecond: 1, p50Ms: 10, p99Ms: 30, maxMs: 60, ...quiet };

/** Half the processor time of the peer that is named, and otherwise the same. */
function measured(): Results {
  const results = new Results();
  for (const load of ["200x20", "200x200", "500x100", "100x1000"]) {
    results.addFanOut(load, "socketio", { ...steady, cpuUsPerDelivery: 8 });
    results.addFanOut(load, "do-memory", steady);
    results.addFanOut(load, "parley", steady);
  }
  return results;
}

function verdicts(results: Results): Record<string, boolean | undefined> {
  const judged = goals.flatMap((goal) => {
    if ("cited" in goal) return [];
    const figure = goal.measured(results);
    return [[goal.what, figure === undefined ? undefined : isMet(goal, figure)] as const];
  });
  return Object.fromEntries(judged);
}

const overload = {
  offeredPerSecond: 16_000,
  ackedPerSecond: 8_000,
  refusedPerSecond: 8_000,
  firstRefusal: "{}",
  p50Ms: 5,
  p99Ms: 20,
  waitingHalfway: 10,
  waitingAtEnd: 12,
  unanswered: 0,
  missing: 0,
  duplicates: 0,
  closed: [],
  cpuUsPerMessage: 60,
  serverBusy: 0.9,
  generatorBusy: 0.5,
  othersBusy: 0,
};

function ingest(title: string, differing: Partial<typeof overload>): CaseMeasure {
  const measure = { kind: "ingest" as const, result: { ...overload, ...differing } };
  return { trial: "ingest", title, measured: measure, complaints: [] };
}

test("a goal is met at its limit, missed beyond it, and not judged where a side was not measured", () => {
  expect(verdicts(measured())).toMatchObject({
    "100x1000: CPU per delivery ÷ socketio": true,
    "100x1000: p50": true,
    "100x1000: p99": true,
    "200x20: p50 ÷ do-memory": true,
    "100x1000: CPU per delivery ÷ centrifugo or centrifuge": undefined,
    "burst: acked durably": undefined,
    "Worker bundle, gzip": undefined,
  });
  const slower = measured();
  slower.addFanOut("100x1000", "centrifuge", { ...steady, cpuUsPerDelivery: 3.9 });
  slower.sizes = { workerKilobytes: 250.1, sdkKilobytes: 8 };
  expect(verdicts(slower)).toMatchObject({
    "100x1000: CPU per delivery ÷ centrifugo or centrifuge": false,
    "Worker bundle, gzip": false,
    "SDK core, brotli": true,
  });
});

test("what is sustained is what nothing was refused, lost or left waiting of; a queue that grows is no refusal", () => {
  const results = measured();
  const kept = { offeredPerSecond: 8_000, ackedPerSecond: 7_990, refusedPerSecond: 0 };
  results.trials.push(
    ingest("the goal", kept),
    ingest("half as much again", { ...kept, ackedPerSecond: 12_000, missing: 1 }),
  );
  results.trials.push(ingest("twice the goal, the goal as the room's limit", {}));
  const [sustained, waiting] = ["ingest: acked durably, sustained", "ingest at twice that: seconds of work in waiting"];
  const figureOf = (what: string | undefined): number | undefined => {
    const goal = goals.find((each) => each.what === what);
    return goal === undefined || "cited" in goal ? undefined : goal.measured(results);
  };
  expect([figureOf(sustained), figureOf(waiting)]).toEqual([7_990, 0.0015]);
  results.trials.push(ingest("twice the goal, the goal as the room's limit", { waitingAtEnd: 9_000 }));
  expect(verdicts(results)[waiting ?? ""]).toBe(false);
});

test("a plot has a bar for each figure, the goals, no markup of others, and a dress for light and dark", () => {
  const rows = [
    { label: "a <b> & c", isOurs: false },
    { label: "ours", isOurs: true },
  ];
  const svg = svgOf({
    title: "Two",
    rows,
    columns: [{ title: "ms", values: [10, undefined], goals: [20, undefined] }],
  });
  expect(svg.match(/<rect class="bar/g)).toHaveLength(1);
  expect(svg.match(/<line class="goal"/g)).toHaveLength(1);
  expect(svg).toContain("a &lt;b> &amp; c");
  expect(svg).toContain("prefers-color-scheme: dark");
  expect(Object.keys(plotsOf(measured(), peers)).sort()).toEqual([
    "fan-out-100x1000.svg",
    "fan-out-200x20.svg",
    "fan-out-200x200.svg",
    "fan-out-500x100.svg",
  ]);
});

test("every plot that is kept stands in the page of performance, and each that stands there is kept", () => {
  const page = readFileSync(join(docs, "performance.md"), "utf8");
  const shown = [...page.matchAll(/!\[[^\]]+\]\(performance\/([\w-]+\.svg)\)/g)].map(([, file]) => file);
  const kept = globSync("*.svg", { cwd: join(docs, "performance") });
  expect(shown.sort()).toEqual(kept.sort());
});
