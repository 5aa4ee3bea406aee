/** When a room flushes: at once while it is quiet, in spans that grow with its readers and its disk while it is busy. */
import { fixedLimits } from "../protocol/limits.ts";

export interface Busyness {
  readonly nowMs: number;
  readonly queued: number;
  readonly queuedBytes: number;
  readonly sockets: number;
  readonly flushedAtMs: number;
  /** When the last flush was durable, or null while it is not yet. */
  readonly durableAtMs: number | null;
  /** How long each of the last two flushes took to become durable. */
  readonly commitsMs: readonly [number, number];
}

/**
 * Milliseconds until the next flush; 0 is now, Infinity is when the last one is durable.
 *
 * A commit holds up the thread where the disk is local. Were the next flush due at once after it, whoever's message is read
 * first would get a commit of his own: with an fsync of 6 ms that is 170 messages a second. So a room listens for as long as
 * its commits take, and stores together what has come meanwhile. A single slow one is SQLite's tidying up, or a pass of
 * retention: it says nothing of the next, so the shorter of the last two counts.
 */
export function flushDelayMs(busyness: Busyness): number {
  const { nowMs, queued, queuedBytes, sockets, flushedAtMs, durableAtMs, commitsMs } = busyness;
  if (queued >= fixedLimits.flushChanges || queuedBytes >= fixedLimits.flushBytes) return 0;
  if (durableAtMs === null) return Infinity;
  const listenMs = Math.min(fixedLimits.paceMsMax, ...commitsMs);
  return Math.max(remaining(flushedAtMs, spanMs(sockets), nowMs), remaining(durableAtMs, listenMs, nowMs));
}

/** From one flush of a busy room to the next. */
function spanMs(sockets: number): number {
  const full = Math.min(sockets, fixedLimits.paceFullSockets);
  const microseconds = ((full + sockets) / 2) * fixedLimits.paceMicrosecondsPerSocket;
  return Math.min(fixedLimits.paceMsMax, microseconds / 1_000);
}

/** A clock that was set back looks like a flush in the future: it is not waited for. */
function remaining(sinceMs: number, waitMs: number, nowMs: number): number {
  const elapsedMs = nowMs - sinceMs;
  return elapsedMs < 0 ? 0 : Math.max(0, waitMs - elapsedMs);
}
