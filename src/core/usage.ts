/** What a tenant has used, as if read from meters: they only run on, and what lies between two readings is what was used. */
import type { UsageSpan } from "../protocol/usage.ts";
import { noWork, together, type Work } from "./work.ts";

export const hourMs = 3_600_000;

/** The meters as they stood at the end of an hour, or stand in this one. */
export interface Reading extends Work {
  /** Since the epoch, UTC. */
  readonly hour: number;
  readonly messages: number;
  readonly bytes: number;
  readonly changes: number;
  /** Credits that rooms wanted and did not get. */
  readonly refused: number;
  readonly connections: number;
  /** The most at once within the hour. */
  readonly peak: number;
  readonly storageBytes: number;
  /** Files that were completed, and their bytes. */
  readonly uploads: number;
  readonly uploadedBytes: number;
  /** Of those that are there. */
  readonly fileBytes: number;
}

export const firstReading: Reading = {
  ...noWork,
  hour: 0,
  messages: 0,
  bytes: 0,
  changes: 0,
  refused: 0,
  connections: 0,
  peak: 0,
  storageBytes: 0,
  uploads: 0,
  uploadedBytes: 0,
  fileBytes: 0,
};

/** How far the meters run, and how many connections there are now. */
export type Step = Omit<Reading, "hour" | "peak">;

/** The next reading. A clock that was set back stays in the hour of the last one. */
export function readOn(last: Reading, step: Step, nowMs: number): Reading {
  const hour = Math.max(last.hour, Math.floor(nowMs / hourMs));
  // Those that were there when the hour began were there in it.
  const peakBefore = hour === last.hour ? last.peak : last.connections;
  return {
    ...together(last, step),
    hour,
    messages: last.messages + step.messages,
    bytes: last.bytes + step.bytes,
    changes: last.changes + step.changes,
    refused: last.refused + step.refused,
    connections: step.connections,
    peak: Math.max(peakBefore, step.connections),
    storageBytes: last.storageBytes + step.storageBytes,
    uploads: last.uploads + step.uploads,
    uploadedBytes: last.uploadedBytes + step.uploadedBytes,
    fileBytes: last.fileBytes + step.fileBytes,
  };
}

/** So many spans of so many hours, without a gap: where there is no reading, nothing moved and all stayed as it was. */
export function spansOf(
  before: Reading,
  readings: readonly Reading[],
  { fromHour, hours, count }: { readonly fromHour: number; readonly hours: number; readonly count: number },
): UsageSpan[] {
  const left = [...readings];
  let last = before;
  return Array.from({ length: count }, (_, index) => {
    const start = fromHour + index * hours;
    const within = left.splice(0, countBefore(left, start + hours));
    const first = last;
    last = within.at(-1) ?? first;
    return {
      from: start * hourMs,
      messages: last.messages - first.messages,
      bytes: last.bytes - first.bytes,
      changes: last.changes - first.changes,
      creditsRefused: last.refused - first.refused,
      connectionsPeak: Math.max(first.connections, ...within.map(({ peak }) => peak)),
      awakeMs: last.awakeMs - first.awakeMs,
      storageBytes: last.storageBytes,
      uploads: last.uploads - first.uploads,
      uploadedBytes: last.uploadedBytes - first.uploadedBytes,
      fileBytes: last.fileBytes,
    };
  });
}

function countBefore(readings: readonly Reading[], hour: number): number {
  const next = readings.findIndex((reading) => reading.hour >= hour);
  return next < 0 ? readings.length : next;
}
