/** Tables of what the goals ask of Parley alone. */
import type { Pair } from "./depthJob.ts";
import { figure, percent, table } from "./table.ts";
import type { CaseMeasure } from "./trialRun.ts";

type Cases = readonly CaseMeasure[];

/** Those that there is nothing for are empty. */
export function caseTables(cases: Cases): string[] {
  return [depthTable(cases), wakeTable(cases), requestTable(cases), ingestTable(cases), multitudeTable(cases)];
}

function depthTable(cases: Cases): string {
  const head = ["case", "what", "at the few, ms", "at the many, ms", "ratio"];
  const row = (title: string, what: string, { shallowMs, deepMs, ratio }: Pair) => [
    title,
    what,
    ...[shallowMs, deepMs, ratio].map(figure),
  ];
  const rows = cases.flatMap(({ title, measured }) =>
    measured.kind === "depth"
      ? [
          row(title, "newest page of 50", measured.result.newest),
          row(title, "page of 50 in the middle", measured.result.middle),
          row(title, "resume, one message missed", measured.result.resume),
          [title, "imported a second", "", figure(measured.result.importedPerSecond), ""],
        ]
      : [],
  );
  return tableOf(head, rows);
}

function wakeTable(cases: Cases): string {
  const head = ["rooms × sockets", "had slept", "wake p50 ms", "max ms", "awake p50 ms", "goal ms", "rest, CPU ms/s"];
  const rows = cases.flatMap(({ measured }) =>
    measured.kind === "wake"
      ? measured.result.groups.map(({ rooms, sockets, slept, p50Ms, maxMs, awakeMs }) => [
          `${rooms} × ${sockets}`,
          `${slept} of ${rooms}`,
          ...[p50Ms, maxMs, awakeMs, wakeGoalMs(sockets), measured.result.restCpuMsPerSecond].map(figure),
        ])
      : [],
  );
  return tableOf(head, rows);
}

/** A room wakes in so many milliseconds, and in a little more with each of its sockets. */
export function wakeGoalMs(sockets: number): number {
  return 10 + 0.012 * sockets;
}

function requestTable(cases: Cases): string {
  const head = ["CPU of one request, µs", "to an unknown path", "refused after all checks", "stored"];
  const rest = ["who and what: the difference", "the room: the difference"];
  const rows = cases.flatMap(({ title, measured }) => {
    if (measured.kind !== "request") return [];
    const { unknownUs, refusedUs, publishedUs, checkedUs, storedUs } = measured.result;
    return [[title, ...[unknownUs, refusedUs, publishedUs, checkedUs, storedUs].map(figure)]];
  });
  return tableOf([...head, ...rest], rows);
}

function ingestTable(cases: Cases): string {
  const head = ["case", "offered/s", "acked/s", "refused/s", "p50 ms", "p99 ms", "waiting halfway", "at the end"];
  const rest = ["unanswered", "missing", "CPU µs/message", "server", "generator", "others"];
  const rows = cases.flatMap(({ title, measured }) => {
    if (measured.kind !== "ingest") return [];
    const { result } = measured;
    return [
      [
        title,
        ...[result.offeredPerSecond, result.ackedPerSecond, result.refusedPerSecond].map(figure),
        ...[result.p50Ms, result.p99Ms].map(figure),
        ...[result.waitingHalfway, result.waitingAtEnd, result.unanswered, result.missing].map(String),
        figure(result.cpuUsPerMessage),
        ...[result.serverBusy, result.generatorBusy, result.othersBusy].map(percent),
      ],
    ];
  });
  return tableOf([...head, ...rest], rows);
}

function multitudeTable(cases: Cases): string {
  const head = ["case", "places", "connections", "KB/room asleep", "files asleep", "KB/room after", "files after"];
  const rest = ["spoken in", "p50 ms", "p99 ms", "of the first p50", "p99", "missing", "CPU µs/message", "others"];
  const rows = cases.flatMap(({ title, measured }) => {
    if (measured.kind !== "multitude") return [];
    const { result } = measured;
    return [
      [
        title,
        ...[result.places, result.connections].map(String),
        ...[result.kilobytesPerRoomAsleep, result.openFilesAsleep].map(figure),
        ...[result.kilobytesPerRoomAfter, result.openFilesAfter, result.spokenIn].map(figure),
        ...[result.all.p50Ms, result.all.p99Ms, result.first.p50Ms, result.first.p99Ms].map(figure),
        String(result.missing),
        figure(result.cpuUsPerMessage),
        percent(result.othersBusy),
      ],
    ];
  });
  return tableOf([...head, ...rest], rows);
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? "" : table(head, rows);
}
