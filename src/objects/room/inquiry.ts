/** What a tenant's hook is asked before a message or an edit joins the queue, and what its answer makes of it. */
import { silenced } from "../../core/admission.ts";
import { tooFast } from "../../core/allowance.ts";
import { censored } from "../../core/words.ts";
import type { Hook, HookQuestion, HookVerdict } from "../../protocol/hook.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import type { Entry } from "./queue.ts";
import { senderOf } from "./rates.ts";
import { standingOf } from "./standing.ts";

interface Content {
  readonly text?: string | null | undefined;
  readonly data?: unknown;
}

export interface Asking<Said extends Content> {
  /** As it was sent. */
  readonly said: Said;
  readonly question: Pick<HookQuestion, "message" | "edit">;
  /** Why this content cannot be stored. */
  readonly unfit: (content: Said) => Refusal | null;
  readonly entryOf: (content: Said) => Entry;
}

/** The entry, which waits for the tenant's hook where there is one; or why it cannot. */
export function inquired<Said extends Content>(
  parts: RoomParts,
  session: Session,
  asking: Asking<Said>,
): Entry | Refusal {
  const { policy, epoch } = stateOf(parts);
  // Before anybody is asked: a word that is not allowed is not allowed by a hook either.
  const kept = censored(asking.said, policy.words);
  if (!kept.ok) return kept;
  const entry = asking.entryOf(kept.content);
  const { hook } = policy;
  if (hook === null) return entry;
  const full = tooMany(parts, session, hook);
  if (full !== null) return full;
  const question = { tenant: parts.tenant, room: parts.name, user: session.user, ...asking.question };
  return {
    ...entry,
    inquiry: {
      ask: () => parts.askHook(hook, question),
      decide: (verdict) => gone(parts, session, epoch) ?? decided(parts, hook, asking, entry, verdict),
    },
  };
}

/** Each of them is a connection that waits. */
function tooMany({ queue }: RoomParts, session: Session, { timeoutMs }: Hook): Refusal | null {
  const { inquiriesPerUser: limit, inquiriesPerRoom } = fixedLimits;
  if (queue.inquiries.size >= inquiriesPerRoom) return refuse("overloaded", undefined, { retryAfterMs: timeoutMs });
  if (queue.inquiries.sizeOf(senderOf(session)) < limit) return null;
  const rate = { perSecond: (limit * 1_000) / timeoutMs, burst: limit };
  return tooFast("inquiries", `At most ${limit} messages of a user wait for the tenant's hook.`, rate, timeoutMs);
}

/** What may have been decided while the hook thought. */
function gone(parts: RoomParts, session: Session, epoch: string): Refusal | null {
  const { room } = parts.store;
  if (room === null || room.deletedAtMs !== null || room.epoch !== epoch) return refuse("room_deleted");
  // Whether he may still be here is looked at where it is stored.
  return silenced(session, standingOf(parts, session), room.settings, Date.now());
}

function decided<Said extends Content>(
  parts: RoomParts,
  { onFailure }: Hook,
  { said, unfit, entryOf }: Asking<Said>,
  entry: Entry,
  verdict: HookVerdict,
): Entry | Refusal {
  const failed = (fault: string): Entry | Refusal =>
    onFailure === "allow" ? entry : refuse("overloaded", `The message could not be checked: ${fault}.`, soon);
  if ("fault" in verdict) return failed(verdict.fault);
  if ("replace" in verdict) {
    const replaced = { ...said, ...verdict.replace };
    if (unfit(replaced) !== null) return failed("what replaces it cannot be stored");
    const kept = censored(replaced, stateOf(parts).policy.words);
    return kept.ok ? entryOf(kept.content) : kept;
  }
  return verdict.allow ? entry : refuse("content_rejected", verdict.reason?.slice(0, fixedLimits.reasonLength));
}

const soon = { retryAfterMs: 1_000 };
