/** What a room does by its alarm. */
import { fixedLimits } from "../../protocol/limits.ts";
import { refusals } from "../../protocol/refusals.ts";
import type { Alarms } from "../alarms.ts";
import { sweepIntake } from "./import.ts";
import { report } from "./info.ts";
import type { RoomParts } from "./parts.ts";
import { expiry } from "./removal.ts";
import { nextPassMs, nextSweepMs, retentionPass } from "./retention.ts";
import { interruption } from "./streamEnd.ts";
import { sweep, sweepDeaf } from "./sweep.ts";
import { endTokens } from "./tokens.ts";
import type { Turn } from "./turn.ts";

export type Job =
  | "expiry"
  | "report"
  | "presence"
  | "sweep"
  | "tickets"
  | "tokens"
  | "deeds"
  | "intake"
  | "retention"
  | "search"
  | "outbox"
  | "questions"
  | "files"
  | "streams";

export type Jobs = Readonly<Record<Job, () => void | Promise<void>>>;

/** In the order in which they are done when several are due at once. */
export function jobsOf(parts: RoomParts, alarms: Alarms<Job>, turn: Turn, nowMs: number): Jobs {
  const again = (job: Job, atMs: number | null): void => {
    if (atMs !== null) alarms.schedule(job, atMs);
  };
  return {
    report: async () => {
      if (sweepDeaf(parts, nowMs) === "later") alarms.schedule("report", nowMs + fixedLimits.deafMs);
      const refused = await report(parts);
      if (refused !== null && refusals[refused.error].retry !== "no") turn.scheduleReport();
    },
    presence: () => parts.presence.expire(nowMs),
    sweep: () => {
      const nextMs = sweep(parts, nowMs);
      if (nextMs !== null) return alarms.schedule("sweep", nextMs);
      alarms.cancel("tokens");
      // Also after a restart, in which all sockets went without a word: the tenant still counts their places.
      return turn.scheduleReport();
    },
    deeds: () => parts.deeds.tell(),
    outbox: () => parts.courier.ring(nowMs),
    questions: () => parts.asker.ring(nowMs),
    files: () => parts.fileRemoval.sweep(nowMs),
    streams: async () => {
      const overdue = parts.streaming.overdue(nowMs);
      if (overdue.length > 0) await turn.work(() => interruption(parts, overdue));
      again("streams", parts.streaming.nextLookMs);
    },
    tickets: () => {
      parts.tickets.sweep(nowMs);
      again("tickets", parts.tickets.dueMs);
    },
    tokens: () => endTokens(parts, nowMs),
    intake: () => again("intake", sweepIntake(parts, nowMs)),
    // What an import has brought is not the room's yet, and its end books both of these anew.
    expiry: async () => {
      if (parts.intake.state !== null) return;
      // Nobody else has told of it that there are fewer messages.
      if ((await turn.work(expiry)) === "more") turn.scheduleReport();
      parts.keeper.swept(Date.now());
      parts.indexer.noticeRemoval(Date.now());
      again("expiry", nextSweepMs(parts, Date.now()));
    },
    retention: async () => {
      if (parts.intake.state !== null) return;
      await turn.work(retentionPass);
      again("retention", nextPassMs(parts, Date.now()));
    },
    search: () => again("search", parts.indexer.pass(nowMs)),
  };
}
