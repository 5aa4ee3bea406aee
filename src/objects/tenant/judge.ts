/** What the tenant's people decide of users and of what was flagged. */
import { everybody } from "../../core/concern.ts";
import { differenceOf } from "../../core/difference.ts";
import type { Actor } from "../../protocol/actor.ts";
import { auditedBan, type Ban, toldBan, unfitBan } from "../../protocol/ban.ts";
import { refuse } from "../../protocol/refusals.ts";
import type { Flag, NewFlag } from "./flags.ts";
import { type Answer, living, type TenantParts, tenantOf } from "./parts.ts";

/** Null lifts the ban. Rooms that have sockets hear of it at once, and every edge within seconds. */
export async function ban(
  parts: TenantParts,
  user: string,
  wanted: Ban | null,
  actor: Actor,
  nowMs: number,
): Promise<Answer<object>> {
  const found = living(parts);
  if (!found.ok) return found;
  const unfit = unfitBan(wanted, nowMs);
  if (unfit !== null) return unfit;
  const { bans, audit, outbox } = parts;
  const changed = differenceOf(auditedBan(bans.find(user, nowMs)), auditedBan(wanted));
  if (changed === null) return { ok: true };
  await parts.decide(
    found.tenant,
    () => {
      if (wanted === null) bans.lift(user);
      else bans.save(user, wanted, tenantOf(parts).version, nowMs);
      const action = wanted === null ? "user.unbanned" : "user.banned";
      audit.append(actor, action, { target: { user }, ...changed }, nowMs);
      if (wanted === null) outbox.add("moderation.unbanned", { user, by: actor }, nowMs);
      else outbox.add("moderation.banned", { user, ...toldBan(wanted), by: actor }, nowMs);
    },
    { ...everybody, user },
  );
  return { ok: true };
}

/** A user flags a message: for the tenant's people, and for whatever listens in their place. */
export function flag(
  parts: TenantParts,
  drawn: NewFlag,
  nowMs: number,
): Answer<{ readonly flag: Flag; readonly isNew: boolean }> {
  const found = living(parts);
  if (!found.ok) return found;
  const { flags, store, outbox } = parts;
  const added = store.transaction(() => {
    const one = flags.add(drawn, nowMs);
    if (one.isNew) outbox.add("moderation.flagged", { flag: one.flag }, nowMs, drawn.room);
    return one;
  });
  return { ok: true, ...added };
}

export function resolveFlag(
  parts: TenantParts,
  id: number,
  note: string | null,
  actor: Actor,
  nowMs: number,
): Answer<{ flag: Flag }> {
  const found = living(parts);
  if (!found.ok) return found;
  const { flags, audit, store, outbox } = parts;
  const before = flags.find(id);
  if (before === null) return refuse("not_found", "There is no such flag.");
  const resolved = { state: "resolved" as const, note: note ?? before.note, resolvedAt: before.resolvedAt ?? nowMs };
  const after = { ...before, ...resolved };
  const changed = differenceOf(noteOf(before), noteOf(after));
  if (changed === null) return { ok: true, flag: before };
  const { room, message, sender } = before;
  const target = { room, message, ...(sender === null ? {} : { user: sender }) };
  store.transaction(() => {
    flags.resolve(id, note, nowMs);
    audit.append(actor, "flag.resolved", { target, ...changed }, nowMs);
    outbox.add("moderation.flag_resolved", { flag: after, by: actor }, nowMs, room);
  });
  return { ok: true, flag: after };
}

/** What the audit log says of a flag. */
function noteOf({ state, note }: Flag): Pick<Flag, "state" | "note"> {
  return { state, note };
}
