/** What a tenant does by its alarm. */
import type { Alarms } from "../alarms.ts";
import { bookErasures } from "./erase.ts";
import { clearEnded, giveUpAbandoned } from "./giveUp.ts";
import { bookGivingUp } from "./intake.ts";
import type { TenantParts } from "./parts.ts";

export type Job =
  | "policy"
  | "revocations"
  | "tickets"
  | "deletion"
  | "erasures"
  | "usage"
  | "untold"
  | "outbox"
  | "uploads";

/** When what could not be erased is tried again. */
const retryAfterMs = 30_000;

/** In the order in which they are done when several are due at once. Each begins when the one before it has ended. */
export function jobsOf(parts: TenantParts, alarms: Alarms<Job>): Readonly<Record<Job, () => void | Promise<void>>> {
  const { revocations, deletion, erasures, tickets, usage, untold, outbox, rounds, book } = parts;
  return {
    policy: () => rounds.goAgain(Date.now()),
    revocations: () => {
      revocations.sweep(Date.now());
      book("revocations", revocations.dueMs);
    },
    deletion: async () => {
      const next = await deletion.step();
      if (next === "over") alarms.forget();
      else book("deletion", Date.now() + (next === "next" ? 0 : retryAfterMs));
    },
    erasures: async () => {
      await erasures.step(Date.now());
      bookErasures(parts);
      bookGivingUp(parts);
    },
    tickets: () => {
      tickets.sweep(Date.now());
      book("tickets", tickets.dueMs);
    },
    usage: () => {
      usage().sweep(Date.now());
      book("usage", usage().dueMs);
    },
    untold: () => untold.step(Date.now()),
    outbox: () => outbox.ring(Date.now()),
    uploads: async () => {
      const nowMs = Date.now();
      const done = [giveUpAbandoned(parts, nowMs), clearEnded(parts, nowMs)];
      const failed = (await Promise.allSettled(done)).find(({ status }) => status === "rejected");
      bookGivingUp(parts);
      if (failed?.status === "rejected") throw failed.reason;
    },
  };
}
