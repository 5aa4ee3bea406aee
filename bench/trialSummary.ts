/** Trials as tables, and what went wrong in them. */
import { caseTables } from "./caseTables.ts";
import type { AudienceResult, GroupResult } from "./audienceJob.ts";
import type { IngestResult } from "./ingestJob.ts";
import type { MultitudeResult } from "./multitudeJob.ts";
import type { Crossing, PresenceResult } from "./presenceJob.ts";
import type { RevocationResult } from "./revocationJob.ts";
import { figure, percent, table } from "./table.ts";
import type { CaseMeasure, Measured } from "./trialRun.ts";
import { type TrialName, trialNames } from "./trials.ts";

const titles: Record<TrialName, string> = {
  crowd: "Trial `crowd`: all sockets in one room, a message a second, then 20 at once",
  depth: "Trial `depth`: a long history beside a short one, asked in pairs",
  wake: "Trial `wake`: rooms that sleep, with sockets in them",
  request: "Trial `request`: what a publish over HTTP costs, and what of it is spent before the room",
  ingest: "Trial `ingest`: ten sockets publish into one room, steadily",
  multitude: "Trial `multitude`: many rooms with one to three readers, a few of them busy",
  streams: "Trial `streams`: readers of one room, 100 messages at 4/s, then 100 at once",
  rooms: "Trial `rooms`: 200 rooms, a message in each in turn, then 10 at once in each",
  presence: "Trial `presence`: users come into one room within 10 s and go within 10 s, a few stay",
  revocation: "Trial `revocation`: a user with sockets in many rooms is revoked, or everything",
};
const kinds: Record<GroupResult["by"], string> = { sockets: "sockets", events: "event streams", shared: "shared" };

export function trialParts(measures: readonly CaseMeasure[]): string[] {
  return trialNames.flatMap((trial) => {
    const cases = measures.filter((measure) => measure.trial === trial);
    if (cases.length === 0) return [];
    const remarks = cases.flatMap(remarksOn).map((line) => `- ${line}`);
    const verdict = remarks.length === 0 ? "Nothing missing, nothing twice, no complaint of the server." : "";
    const tables = [groupTable(cases), costTable(cases), crossingTable(cases), closingTable(cases)];
    tables.push(...caseTables(cases));
    const parts = [`## ${titles[trial]}`, ...tables, verdict, remarks.join("\n")];
    return parts.filter((part) => part !== "").join("\n\n");
  });
}

function groupTable(cases: readonly CaseMeasure[]): string {
  const head = ["case", "readers", "connections", "places", "KB/place", "files/place", "p50 ms", "p99 ms", "max ms"];
  const rest = ["burst, last ms", "missing", "twice", "broken"];
  const rows = cases.flatMap(({ title, measured }) => {
    if (measured.kind !== "audience") return [];
    // A single publisher is there to publish: its place says nothing.
    const groups = measured.result.groups.filter(({ places }) => places > 1);
    return groups.map(({ by, connections, places, ...group }) => [
      title,
      kinds[by],
      ...[connections, places].map(String),
      ...[group.kilobytesPerPlace, group.openFilesPerPlace, group.p50Ms, group.p99Ms, group.maxMs].map(figure),
      figure(group.burstMs),
      ...[group.missing, group.duplicates, group.broken].map(String),
    ]);
  });
  return rows.length === 0 ? "" : table([...head, ...rest], rows);
}

/** The server's time, which cannot be told apart by reader. */
function costTable(cases: readonly CaseMeasure[]): string {
  const head = ["case", "CPU µs/delivery", "a frame", "µs/publish alone", "µs/delivery beyond", "burst µs/delivery"];
  const rest = ["a frame", "rest µs/place·s", "KB/place after", "deliveries/s", "generator", "others"];
  const rows = cases.flatMap(({ title, measured }) => {
    if (measured.kind !== "audience") return [];
    const { steady, burst, ...costs } = measured.result;
    const alone = costs.aloneCpuUsPerMessage ?? undefined;
    const figures = [
      steady.cpuUsPerDelivery,
      steady.deliveriesPerFrame,
      alone,
      costs.cpuUsPerDeliveryBeyond,
      burst.cpuUsPerDelivery,
      burst.deliveriesPerFrame,
      costs.restCpuUsPerPlaceSecond,
      costs.kilobytesPerPlaceAfter,
      steady.deliveriesPerSecond,
    ];
    return [[title, ...figures.map(figure), percent(steady.generatorBusy), percent(steady.othersBusy)]];
  });
  return rows.length === 0 ? "" : table([...head, ...rest], rows);
}

function crossingTable(cases: readonly CaseMeasure[]): string {
  const head = ["case", "users", "observers", "wrong", "known after ms", "frames/s, most", "over 5 s"];
  const rest = ["frames each", "KB each", "KB of list each", "holes", "server CPU s", "generator", "others"];
  const rows = cases.flatMap(({ title, measured }) =>
    measured.kind === "presence"
      ? [
          crossingRow(title, "come", measured.result.arriving),
          crossingRow(title, "go, seen by who stay", measured.result.leaving),
        ]
      : [],
  );
  return rows.length === 0 ? "" : table([...head, ...rest], rows);
}

function closingTable(cases: readonly CaseMeasure[]): string {
  const head = ["case", "closed", "first ms", "p50 ms", "last ms", "answered ms", "woken", "accepted after"];
  const rest = ["server CPU s", "generator", "others"];
  const rows = cases.flatMap(({ title, measured }) => {
    if (measured.kind !== "revocation") return [];
    const { closed, meant, firstMs, p50Ms, lastMs, answeredMs, woken, accepted, ...costs } = measured.result;
    return [
      [
        title,
        `${closed} of ${meant}`,
        ...[firstMs, p50Ms, lastMs, answeredMs].map(figure),
        ...[woken, accepted].map(String),
        figure(costs.serverCpuSeconds),
        percent(costs.generatorBusy),
        percent(costs.othersBusy),
      ],
    ];
  });
  return rows.length === 0 ? "" : table([...head, ...rest], rows);
}

function crossingRow(title: string, what: string, crossing: Crossing): string[] {
  const { observers, wrong, knownMs, framesPerSecondMax, framesPerObserver, holes, serverCpuSeconds } = crossing;
  return [
    title,
    what,
    String(observers),
    String(wrong),
    figure(knownMs),
    String(framesPerSecondMax),
    figure(crossing.framesPerSecondMaxOverFive),
    figure(framesPerObserver),
    ...[crossing.frameBytesPerObserver / 1024, crossing.listBytesPerObserver / 1024].map(figure),
    String(holes),
    figure(serverCpuSeconds),
    percent(crossing.generatorBusy),
    percent(crossing.othersBusy),
  ];
}

function remarksOn({ title, measured, complaints }: CaseMeasure): string[] {
  const faults = faultsOf(measured);
  const closed = closedIn(measured);
  const reasons = [...new Set(closed)].slice(0, 5).join(", ");
  return [
    ...faults,
    ...(closed.length > 0 ? [`${closed.length} connections were closed (${reasons})`] : []),
    ...complaints.map((line) => `the server said: ${line}`),
  ].map((line) => `${title}: ${line}`);
}

function closedIn({ kind, result }: Measured): string[] {
  // In a revocation they are meant to be.
  return kind !== "revocation" && "closed" in result ? result.closed.map(String) : [];
}

function faultsOf(measured: Measured): string[] {
  switch (measured.kind) {
    case "audience":
      return deliveryFaults(measured.result);
    case "presence":
      return presenceFaults(measured.result);
    case "revocation":
      return revocationFaults(measured.result);
    case "ingest":
      return ingestFaults(measured.result);
    case "multitude":
      return multitudeFaults(measured.result);
    case "wake":
      return measured.result.groups.flatMap(({ rooms, slept, sockets }) =>
        slept < rooms ? [`${rooms - slept} of ${rooms} rooms with ${sockets} sockets had not slept`] : [],
      );
    case "depth":
    case "request":
      return [];
  }
}

function ingestFaults({ missing, duplicates, unanswered, refusedPerSecond, firstRefusal }: IngestResult): string[] {
  return [
    ...(missing + duplicates > 0 ? [`${missing} missing, ${duplicates} twice`] : []),
    ...(unanswered > 0 ? [`${unanswered} messages were neither acked nor refused`] : []),
    ...(refusedPerSecond > 0 ? [`the first refusal: ${firstRefusal}`] : []),
  ];
}

function multitudeFaults({ missing, duplicates, refused, firstRefusal }: MultitudeResult): string[] {
  return [
    ...(missing + duplicates > 0 ? [`${missing} missing, ${duplicates} twice`] : []),
    ...(refused > 0 ? [`${refused} messages refused, first ${firstRefusal}`] : []),
  ];
}

function revocationFaults({ accepted }: RevocationResult): string[] {
  return accepted > 0 ? [`${accepted} messages of the revoked user were stored`] : [];
}

function deliveryFaults({ groups, unanswered, refused, firstRefusal }: AudienceResult): string[] {
  return [
    ...groups.flatMap(({ by, missing, duplicates, broken }) =>
      missing + duplicates + broken > 0
        ? [`${kinds[by]}: ${missing} missing, ${duplicates} twice, ${broken} places with broken seqs`]
        : [],
    ),
    ...(unanswered === 0 ? [] : [`${unanswered} messages were neither acked nor refused`]),
    ...(refused > 0 ? [`${refused} messages refused, first ${firstRefusal}`] : []),
  ];
}

function presenceFaults({ arriving, leaving }: PresenceResult): string[] {
  return [
    ...(arriving.wrong > 0 ? [`${arriving.wrong} observers did not know all who had come`] : []),
    ...(leaving.wrong > 0 ? [`${leaving.wrong} observers did not know who was left`] : []),
  ];
}
