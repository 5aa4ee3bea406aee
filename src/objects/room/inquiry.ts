/** What a tenant's hook is asked before a message or an edit joins the queue, and what its answer makes of it. */
import { silenced } from "../../core/admission.ts";
import { tooFast } from "../../core/allowance.ts";
import { censored } from "../../core/words.ts";
import type { Hook, HookQuestion, HookVerdict } from "../../protocol/hook.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, refuse, refusedAt } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import type { Decide } from "./inquiries.ts";
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
  /** Made where somebody is asked. */
  readonly question: () => Pick<HookQuestion, "message" | "edit">;
  /** Why this content cannot be stored. */
  readonly unfit: (content: Said) => Refusal | null;
  /** In a batch: which of its messages it is. */
  readonly index?: number;
}

/** The entry, which waits for the tenant's hook where there is one; or why it cannot. */
export function inquired<Said extends Content>(
  parts: RoomParts,
  session: Session,
  asking: Asking<Said> & { readonly entryOf: (content: Said) => Entry },
): Entry | Refusal {
  return inquiredTogether(parts, session, [asking], ([content = asking.said]) => asking.entryOf(content));
}

/** One entry of several, each of which is asked about: one that is refused refuses them all. */
export function inquiredTogether<Said extends Content>(
  parts: RoomParts,
  session: Session,
  askings: readonly Asking<Said>[],
  entryOf: (contents: readonly Said[]) => Entry,
): Entry | Refusal {
  const { policy, epoch } = stateOf(parts);
  // Before anybody is asked: a word that is not allowed is not allowed by a hook either.
  const kept = allOf(askings, ({ said }) => censored(said, policy.words));
  if (!kept.ok) return kept;
  const entry = entryOf(kept.contents);
  const { hook } = policy;
  if (hook === null) return entry;
  const full = tooMany(parts, session, hook, askings.length);
  if (full !== null) return full;
  const common = { tenant: parts.tenant, room: parts.name, user: session.user };
  const ask = async (): Promise<Decide> => {
    const asked = askings.map(({ question }) => parts.askHook(hook, { ...common, ...question() }));
    const verdicts = await Promise.all(asked);
    return () => {
      const left = gone(parts, session, epoch);
      if (left !== null) return left;
      const decided = allOf(askings, (asking, place) =>
        judged(parts, hook, asking, kept.contents[place] ?? asking.said, verdicts[place] ?? unanswered),
      );
      return decided.ok ? entryOf(decided.contents) : decided;
    };
  };
  return { ...entry, inquiry: { questions: askings.length, ask } };
}

const unanswered: HookVerdict = { fault: "it was not asked" };

type Kept<Said> = { readonly ok: true; readonly content: Said } | Refusal;

/** What is kept of each, or the first refusal. */
function allOf<Said extends Content>(
  askings: readonly Asking<Said>[],
  keep: (asking: Asking<Said>, place: number) => Kept<Said>,
): { readonly ok: true; readonly contents: readonly Said[] } | Refusal {
  const contents: Said[] = [];
  for (const [place, asking] of askings.entries()) {
    const kept = keep(asking, place);
    if (!kept.ok) return refusedAt(asking.index, kept);
    contents.push(kept.content);
  }
  return { ok: true, contents };
}

/** Each of them is a connection that waits. */
function tooMany({ queue }: RoomParts, session: Session, { timeoutMs }: Hook, questions: number): Refusal | null {
  const { inquiriesPerUser: limit, inquiriesPerRoom } = fixedLimits;
  if (questions > limit)
    return refuse("too_large", `A batch may have ${limit} new messages here: the tenant's hook is asked about each.`);
  if (queue.inquiries.size + questions > inquiriesPerRoom)
    return refuse("overloaded", undefined, { retryAfterMs: timeoutMs });
  if (queue.inquiries.sizeOf(senderOf(session)) + questions <= limit) return null;
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

function judged<Said extends Content>(
  parts: RoomParts,
  { onFailure }: Hook,
  { said, unfit }: Asking<Said>,
  content: Said,
  verdict: HookVerdict,
): Kept<Said> {
  const failed = (fault: string): Kept<Said> =>
    onFailure === "allow"
      ? { ok: true, content }
      : refuse("overloaded", `The message could not be checked: ${fault}.`, soon);
  if ("fault" in verdict) return failed(verdict.fault);
  if ("replace" in verdict) {
    const replaced = { ...said, ...verdict.replace };
    if (unfit(replaced) !== null) return failed("what replaces it cannot be stored");
    return censored(replaced, stateOf(parts).policy.words);
  }
  return verdict.allow
    ? { ok: true, content }
    : refuse("content_rejected", verdict.reason?.slice(0, fixedLimits.reasonLength));
}

const soon = { retryAfterMs: 1_000 };
