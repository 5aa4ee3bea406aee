/** A run as a page: what was measured, ours beside the others, and which goals are met. */
import { type Goal, goals, isMet, ratio } from "./goals.ts";
import type { FanOutLoad } from "./loads.ts";
import type { Peer } from "./peers.ts";
import type { Results } from "./results.ts";
import { figure, percent, table } from "./table.ts";
import { trialParts } from "./trialSummary.ts";

export interface Run {
  title: string;
  peers: readonly Peer[];
  loads: readonly FanOutLoad[];
  results: Results;
}

/** Above this share of one processor the generator's own queue is a good part of what it measures. */
const GENERATOR_BUSY_MAX = 0.9;

export function summary(run: Run): string {
  const parts = [
    `# ${run.title}`,
    ...run.loads.map((load) => fanOutPart(run, load)),
    burstPart(run),
    ...trialParts(run.results.trials),
    goalsPart(run),
    remarks(run),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function fanOutPart({ peers, results }: Run, load: FanOutLoad): string {
  const ours = results.fanOut(load.name, "parley");
  const figuresHead = ["CPU µs/delivery", "p50 ms", "p99 ms", "max ms", "deliveries/s", "missing"];
  const head = ["server", ...figuresHead, "generator", "others", "our CPU ÷", "our p50 ÷"];
  const rows = peers.flatMap((peer) => {
    const measured = results.fanOut(load.name, peer.name);
    if (measured === undefined) return [];
    const ratios = [ratio(ours?.cpuUsPerDelivery, measured.cpuUsPerDelivery), ratio(ours?.p50Ms, measured.p50Ms)];
    const { cpuUsPerDelivery, p50Ms, p99Ms, maxMs, deliveriesPerSecond, missing, generatorBusy, othersBusy } = measured;
    const figures = [cpuUsPerDelivery, p50Ms, p99Ms, maxMs, deliveriesPerSecond].map(figure);
    return [
      [peer.title, ...figures, String(missing), percent(generatorBusy), percent(othersBusy), ...ratios.map(figure)],
    ];
  });
  return rows.length === 0
    ? ""
    : `## ${load.sockets} subscribers × ${load.messagesPerSecond} messages/s\n\n${table(head, rows)}`;
}

function burstPart({ peers, results }: Run): string {
  const head = [
    "server",
    "acked/s",
    "delivered/s",
    "CPU µs/message",
    "missing",
    "refused",
    "quiet p99 ms",
    "quiet worst ms",
    "p99 in calm ms",
  ];
  const rows = peers.flatMap((peer) => {
    const measured = results.burst(peer.name);
    if (measured === undefined) return [];
    const {
      ackedPerSecond,
      deliveredPerSecond,
      cpuUsPerMessage,
      missing,
      refused,
      quietP99Ms,
      quietWorstMs,
      calmP99Ms,
    } = measured;
    const work = [ackedPerSecond, deliveredPerSecond, cpuUsPerMessage].map(figure);
    return [
      [peer.title, ...work, String(missing), String(refused), ...[quietP99Ms, quietWorstMs, calmP99Ms].map(figure)],
    ];
  });
  return rows.length === 0
    ? ""
    : `## 5,000 messages at once (50 sockets × 100), a quiet room read every 5 ms\n\n${table(head, rows)}`;
}

function goalsPart({ results }: Run): string {
  if (goals.every((goal) => "cited" in goal || goal.measured(results) === undefined)) return "";
  const rows = goals.map((goal) => {
    if ("cited" in goal) return [goal.what, "–", "–", goal.cited];
    const measured = goal.measured(results);
    const verdict = measured === undefined ? "not measured" : isMet(goal, measured) ? "met" : "NOT MET";
    return [goal.what, measured === undefined ? "–" : `${figure(measured)} ${goal.unit}`, wanted(goal), verdict];
  });
  return `## Goals (PERFORMANCE.md)\n\n${table(["goal", "measured", "wanted", "verdict"], rows)}`;
}

function wanted({ limit, unit }: Exclude<Goal, { cited: string }>): string {
  return "atMost" in limit ? `≤ ${limit.atMost} ${unit}` : `≥ ${limit.atLeast.toLocaleString("en")} ${unit}`;
}

/** What a reader must know before quoting a figure. */
function remarks({ peers, loads, results }: Run): string {
  const lines = peers.flatMap((peer) =>
    loads.flatMap((load) => {
      const measured = results.fanOut(load.name, peer.name);
      if (measured === undefined) return [];
      const { duplicates, refused, firstRefusal, closed, generatorBusy } = measured;
      const where = `${peer.name} at ${load.name}:`;
      return [
        ...(duplicates > 0 ? [`${where} ${duplicates} deliveries came twice`] : []),
        ...(refused > 0 ? [`${where} ${refused} messages refused, first ${firstRefusal}`] : []),
        ...(closed.length > 0
          ? [`${where} ${closed.length} sockets were closed (${[...new Set(closed)].join(", ")})`]
          : []),
        ...(generatorBusy > GENERATOR_BUSY_MAX
          ? [`${where} the generator was the bottleneck, its latencies are partly its own`]
          : []),
      ];
    }),
  );
  const bursts = peers.flatMap((peer) => {
    const measured = results.burst(peer.name);
    return measured !== undefined && measured.refused > 0
      ? [`${peer.name} in the burst: first refusal ${measured.firstRefusal}`]
      : [];
  });
  const skipped = results.skipped.map((why) => `skipped: ${why}`);
  return [...lines, ...bursts, ...skipped, ...results.failures.map((why) => `NOT MEASURED: ${why}`)]
    .map((line) => `- ${line}`)
    .join("\n");
}
