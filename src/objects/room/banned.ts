/** There are more bans of the tenant than a policy lists: then the tenant is asked about everybody who is here. */
import { shadowedUntilMs } from "../../core/welcome.ts";
import { refuseBanned } from "../../protocol/ban.ts";
import type { RoomPolicy } from "../../protocol/policy.ts";
import type { RoomParts } from "./parts.ts";
import { inscribe, type Seat } from "./roster.ts";

/** Whom the policy so far hides stays hidden until the tenant has answered: the next one may not name him. */
export function markShadowed({ roster }: Pick<RoomParts, "roster">, before: RoomPolicy, nowMs: number): void {
  for (const seat of roster.seats) mark(seat, shadowedUntilMs(seat.session, before, nowMs));
}

/** Hides what the users say who have a shadow ban, hides no longer what others say, and closes the seats of who has another. */
export async function askAboutBans({ registry, roster }: Pick<RoomParts, "registry" | "roster">): Promise<void> {
  const users = new Set<string>();
  for (const { session } of roster.seats) if (session.user !== null) users.add(session.user);
  if (users.size === 0) return;
  const asked = [...users];
  const found = await registry.bansOf(asked);
  const bans = new Map(asked.map((user, index) => [user, found[index] ?? null]));
  for (const seat of roster.seats) {
    const ban = bans.get(seat.session.user ?? "");
    // Who has come meanwhile is marked by the edge.
    if (ban === undefined) continue;
    if (ban === null || ban.shadow) {
      mark(seat, ban === null ? null : ban.untilMs);
    } else {
      const { error, detail } = refuseBanned(ban, "tenant", Date.now());
      roster.close(seat, error, detail);
    }
  }
}

function mark(seat: Seat, untilMs: number | null): void {
  if ((seat.session.shadowedUntilMs ?? null) === untilMs) return;
  // In place: what the seat has sent and is not stored yet goes by the same session.
  seat.session.shadowedUntilMs = untilMs;
  inscribe(seat, { session: seat.session });
}
