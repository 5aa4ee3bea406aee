/** Several messages at once: all of them are stored, one after the other with nothing between them, or none is. */
import { contentBytes, silenced, unfitMessage } from "../../core/admission.ts";
import { needs } from "../../core/rights.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Message } from "../../protocol/message.ts";
import { type Refusal, refuse, refusedAt } from "../../protocol/refusals.ts";
import type { LimitLevel } from "../../protocol/serverFrames.ts";
import type { Session } from "../../protocol/session.ts";
import { unattachable } from "./attach.ts";
import { crowded } from "./capacity.ts";
import { contentDigest } from "./digest.ts";
import { inquiredTogether } from "./inquiry.ts";
import { levelsOf } from "./levels.ts";
import type { Log } from "./log.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { headCursor } from "./position.ts";
import {
  append,
  askingOf,
  type Draft,
  equal,
  isSlowed,
  parentOf,
  placeFor,
  type PublishRequest,
  slowed,
  storedBefore,
} from "./publish.ts";
import { type Admitted, type Entry, type KnownBy, nonceKey, type Outcome, type Stored } from "./queue.ts";
import { senderOf } from "./rates.ts";
import { shownMessage } from "./shown.ts";
import { standingOf } from "./standing.ts";

type Change = (admit: (parts: RoomParts, nowMs: number) => Admitted) => Promise<Outcome>;

/** Of each message: where it is, and as its sender is shown it; `message` is null when it has gone meanwhile, or for who may not read what was there before. */
export interface BatchStored {
  readonly messages: (Pick<Stored, "id" | "seq" | "duplicate"> & { readonly message: Message | null })[];
  readonly cursor: string;
  /** All of them were stored before. */
  readonly duplicate: boolean;
  readonly levels: readonly LimitLevel[];
}

/** What is stored has `each`. `change` admits it and waits until it is stored. */
export async function publishBatch(
  parts: RoomParts,
  session: Session,
  requests: readonly PublishRequest[],
  change: Change,
): Promise<Outcome> {
  for (;;) {
    let underway: readonly Entry[] = [];
    const outcome = await change((_, nowMs) => {
      underway = entriesUnderway(parts, session, requests);
      return underway.length > 0 ? refuse("overloaded") : admit(parts, session, requests, nowMs);
    });
    if (underway.length === 0) return outcome;
    // A retry waits for what it repeats: it is then stored, or free to be.
    await Promise.all(underway.map(({ waiters }) => new Promise<void>((resolve) => waiters.push(() => resolve()))));
  }
}

function entriesUnderway({ queue }: RoomParts, { user }: Session, requests: readonly PublishRequest[]): Entry[] {
  const found = requests.flatMap(({ nonce }) =>
    nonce === null ? [] : (queue.findByNonce(nonceKey(user, nonce))?.entry ?? []),
  );
  return [...new Set(found)];
}

/** Why these can be stored in no room, or null. */
export function unfitBatch(
  parts: RoomParts,
  session: Session,
  messages: readonly (readonly [index: number, request: PublishRequest])[],
  limits: Limits,
): Refusal | null {
  const files = new Set<string>();
  for (const [index, request] of messages) {
    const { attachments = [] } = request;
    const twice = attachments.some((id) => files.has(id));
    for (const id of attachments) files.add(id);
    const refused =
      unfitMessage(request, limits) ??
      unattachable(parts, session, attachments) ??
      (twice ? refuse("invalid_field", "`attachments`: each upload only once.") : null);
    if (refused !== null) return refusedAt(index, refused);
  }
  return tooManyAtOnce(messages.length, limits);
}

/** What no waiting would help against. */
function tooManyAtOnce(messages: number, limits: Limits): Refusal | null {
  const bounds = ["publishPerUserBurst", "publishPerRoomBurst", "publishPerTenantBurst", "changesPerDay"] as const;
  const exceeded = bounds.find((name) => messages > limits[name]);
  return exceeded === undefined
    ? null
    : refuse("too_large", `A batch may have ${limits[exceeded]} new messages here (\`${exceeded}\`).`);
}

/** One of a batch: new, known from before, or the same as an earlier one of it. */
type Item =
  | { readonly is: "new"; readonly index: number; readonly draft: Draft }
  | { readonly is: "known"; readonly stored: Stored }
  | { readonly is: "again"; readonly first: number };

function admit(parts: RoomParts, session: Session, requests: readonly PublishRequest[], nowMs: number): Admitted {
  const standing = standingOf(parts, session);
  const forbidden = needs(session, standing.role, "publish");
  if (forbidden !== null) return forbidden;
  const items = itemsOf(parts, session, requests);
  if ("error" in items) return items;
  const fresh = items.filter((item) => item.is === "new");
  // A retry is answered before any limit.
  if (fresh.length === 0) return summed(answers(items, []));
  const { settings, policy } = stateOf(parts);
  const messages = fresh.map(({ index, draft }) => [index, draft.frame] as const);
  const refused =
    silenced(session, standing, settings, nowMs) ??
    tooSlow(parts, session, fresh.length, nowMs) ??
    unfitBatch(parts, session, messages, policy.limits) ??
    crowded(parts) ??
    parts.account.refusal(nowMs, fresh.length) ??
    parts.rates.payForChange(session, policy.limits, nowMs, fresh.length);
  if (refused !== null) return refused;
  const askings = fresh.map(({ index, draft: { frame } }) => ({ ...askingOf(parts, frame), index }));
  const entry = inquiredTogether(parts, session, askings, (contents) => {
    const kept = fresh.map((item, place) => withContent(item, contents[place]));
    return entryOf(parts, session, items, kept);
  });
  return "error" in entry ? entry : { ok: true, entry, joins: false };
}

type Fresh = Item & { readonly is: "new" };

function withContent(item: Fresh, frame: PublishRequest = item.draft.frame): Fresh {
  return { ...item, draft: { ...item.draft, frame } };
}

function itemsOf(parts: RoomParts, session: Session, requests: readonly PublishRequest[]): Item[] | Refusal {
  const items: Item[] = [];
  const byNonce = new Map<string, { readonly index: number; readonly digest: Uint8Array }>();
  for (const [index, frame] of requests.entries()) {
    const digest = contentDigest(frame);
    const { nonce } = frame;
    const first = nonce === null ? undefined : byNonce.get(nonce);
    if (first !== undefined) {
      if (!equal(first.digest, digest)) return refusedAt(index, refuse("nonce_reused"));
      items.push({ is: "again", first: first.index });
      continue;
    }
    if (nonce !== null) byNonce.set(nonce, { index, digest });
    const stored = nonce === null ? null : storedBefore(parts, session.user, nonce, digest);
    if (stored?.ok === false) return refusedAt(index, stored);
    items.push(stored === null ? { is: "new", index, draft: { frame, digest } } : { is: "known", stored });
  }
  return items;
}

function tooSlow(parts: RoomParts, session: Session, messages: number, nowMs: number): Refusal | null {
  return messages > 1 && isSlowed(parts, session)
    ? refuse("too_large", "A batch may have 1 new message here: the room is in slow mode.")
    : slowed(parts, session, nowMs);
}

function entryOf(parts: RoomParts, session: Session, items: readonly Item[], fresh: readonly Fresh[]): Entry {
  const nonces = fresh.flatMap(({ index, draft: { frame, digest } }): KnownBy[] =>
    frame.nonce === null ? [] : [{ key: nonceKey(session.user, frame.nonce), digest, place: index }],
  );
  return {
    bytes: fresh.reduce((sum, { draft: { frame } }) => sum + contentBytes(frame), 0),
    changes: fresh.length,
    charged: true,
    sender: senderOf(session),
    nonces,
    apply: (log) => appendAll(parts, log, session, items, fresh),
    waiters: [],
  };
}

/** Nothing is written before it is known of each that it can be. */
function appendAll(
  parts: RoomParts,
  log: Log,
  session: Session,
  items: readonly Item[],
  fresh: readonly Fresh[],
): Outcome {
  for (const { index, draft } of fresh) {
    const place = placeFor(parts, log, session, draft.frame);
    if (!place.ok) return refusedAt(index, place);
  }
  const stored = fresh.map(({ draft }) =>
    // Its parent is read anew: an earlier one may have been a reply to it, too.
    append(parts, log, session, draft, parentOf(parts, log, session, draft.frame.replyTo)),
  );
  return summed(answers(items, stored));
}

/** In the order in which they were sent. */
function answers(items: readonly Item[], stored: readonly Stored[]): Stored[] {
  const each: Stored[] = [];
  const left = [...stored];
  for (const item of items) {
    const answer = item.is === "new" ? left.shift() : item.is === "known" ? item.stored : each[item.first];
    if (answer === undefined) throw new Error("a message of a batch has no answer");
    each.push(item.is === "again" ? { ...answer, duplicate: true } : answer);
  }
  return each;
}

function summed(each: readonly Stored[]): Stored {
  const last = each.at(-1);
  if (last === undefined) throw new Error("a batch has at least one message");
  return { ...last, duplicate: each.every(({ duplicate }) => duplicate), each };
}

export function batchAnswer(parts: RoomParts, session: Session, { each = [], duplicate }: Stored): BatchStored {
  const nowMs = Date.now();
  const messages = each.map(({ id, seq, duplicate: isKnown }) => {
    const message = shownMessage(parts, session, id, { own: !isKnown, nowMs });
    return { id, seq, duplicate: isKnown, message };
  });
  return { messages, cursor: headCursor(parts), duplicate, levels: levelsOf(parts, session, nowMs) };
}
