/** Publishing a message: once for a nonce, whatever happens to the answer. */
import { contentBytes, silenced, tooSoon, unfitMessage } from "../../core/admission.ts";
import { may, needs } from "../../core/rights.ts";
import type { PublishFrame } from "../../protocol/clientFrames.ts";
import type { Attachment, Message } from "../../protocol/message.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import { isShadowed } from "./admittance.ts";
import { attachmentsOf, unattachable } from "./attach.ts";
import { crowded } from "./capacity.ts";
import { contentDigest } from "./digest.ts";
import { type Asking, inquired } from "./inquiry.ts";
import { unaskable } from "./put.ts";
import type { Log } from "./log.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { type Admitted, type Entry, nonceKey, type Stored } from "./queue.ts";
import type { Toll } from "./questions.ts";
import { senderOf } from "./rates.ts";
import { countReplies, unanswerable } from "./replies.ts";
import { standingOf } from "./standing.ts";
import { tooManyStreams } from "./stream.ts";
import { viewerOf } from "./viewer.ts";

/** Over HTTP a message may come without a nonce; then a retry is another message. */
export type PublishRequest = Omit<PublishFrame, "nonce"> & {
  readonly nonce: string | null;
  /** It is for the room's assistant, whenever that answers. */
  readonly asks?: true;
};

/** Admits a message into the queue of the next flush. Nothing is stored yet and nobody is told. */
export function publish(parts: RoomParts, session: Session, frame: PublishRequest, nowMs: number): Admitted {
  const standing = standingOf(parts, session);
  const forbidden =
    needs(session, standing.role, "publish") ??
    (frame.streaming === true ? needs(session, standing.role, "stream") : null);
  if (forbidden !== null) return forbidden;
  const digest = contentDigest(frame);
  // A retry of what is stored or queued is answered before any limit: it costs nothing and must not fail twice.
  const earlier = frame.nonce === null ? null : known(parts, session.user, frame.nonce, digest);
  if (earlier !== null) return earlier;
  const { settings, policy } = stateOf(parts);
  const refused =
    (frame.asks === true ? unaskable(parts, session) : null) ??
    silenced(session, standing, settings, nowMs) ??
    slowed(parts, session, nowMs) ??
    unfitMessage(frame, policy.limits) ??
    unattachable(parts, session, frame.attachments) ??
    crowded(parts) ??
    (frame.streaming === true ? tooManyStreams(parts, session) : null) ??
    parts.account.refusal(nowMs) ??
    parts.rates.payForChange(session, policy.limits, nowMs) ??
    (frame.asks === true ? parts.rates.payForQuestion(session, policy.limits, nowMs) : null);
  if (refused !== null) return refused;
  const entry = inquired(parts, session, {
    ...askingOf(parts, frame),
    entryOf: (content) => entryOf(parts, session, { frame: content, digest }),
  });
  return "error" in entry ? entry : { ok: true, entry, joins: false };
}

/** What the tenant's hook is asked about it. */
export function askingOf(parts: RoomParts, frame: PublishRequest): Asking<PublishRequest> {
  const { text = null, data = null, replyTo = null, mentions = [] } = frame;
  const { limits } = stateOf(parts).policy;
  return {
    said: frame,
    question: () => ({
      message: { text, data, replyTo, mentions, ...asked(attachmentsOf(parts, frame.attachments)) },
    }),
    unfit: (content) => unfitMessage(content, limits),
  };
}

function asked(attachments: Attachment[]): { attachments?: Attachment[] } {
  return attachments.length === 0 ? {} : { attachments };
}

/** What is stored or under way with this nonce already. */
function known({ store, queue }: RoomParts, user: string | null, nonce: string, digest: Uint8Array): Admitted | null {
  const waiting = queue.findByNonce(nonceKey(user, nonce));
  if (waiting !== undefined) {
    const { entry, known: first } = waiting;
    if (!equal(first.digest, digest)) return refuse("nonce_reused");
    return { ok: true, entry, joins: true, ...(first.place === undefined ? {} : { place: first.place }) };
  }
  return storedBefore({ store }, user, nonce, digest);
}

/** Null for what is not stored yet. */
export function storedBefore(
  { store }: Pick<RoomParts, "store">,
  user: string | null,
  nonce: string,
  digest: Uint8Array,
): Stored | Refusal | null {
  const stored = store.messages.findByNonce(user, nonce);
  if (stored === null) return null;
  return equal(stored.digest, digest)
    ? { ok: true, id: stored.id, seq: stored.id, duplicate: true }
    : refuse("nonce_reused");
}

export function slowed(parts: RoomParts, session: Session, nowMs: number): Refusal | null {
  if (!isSlowed(parts, session)) return null;
  return tooSoon(
    stateOf(parts).settings.slowModeMs,
    parts.store.members.spokeAtMs(session.user, parts.store.slowSinceMs),
    nowMs,
  );
}

/** The tenant's own server names no user and is not slowed. */
export function isSlowed(parts: RoomParts, session: Session): session is Session & { readonly user: string } {
  if (session.user === null || stateOf(parts).settings.slowModeMs === 0) return false;
  return !may(session, standingOf(parts, session).role, "moderate");
}

/** A message as it is to be stored, and by what its sender's retries are known: the digest of it as it was sent. */
export interface Draft {
  readonly frame: PublishRequest;
  readonly digest: Uint8Array;
}

function entryOf(parts: RoomParts, session: Session, draft: Draft): Entry {
  const { frame, digest } = draft;
  const { nonce } = frame;
  return {
    bytes: contentBytes(frame),
    charged: true,
    sender: senderOf(session),
    ...(nonce === null ? {} : { nonces: [{ key: nonceKey(session.user, nonce), digest }] }),
    apply: (log) => {
      const place = placeFor(parts, log, session, frame);
      return place.ok ? append(parts, log, session, draft, place.parent) : place;
    },
    waiters: [],
  };
}

/** Where it belongs by what is stored now. Another message of the same user may have been since this one was admitted. */
export function placeFor(
  parts: RoomParts,
  log: Log,
  session: Session,
  { replyTo = null, attachments, streaming }: PublishRequest,
): { readonly ok: true; readonly parent: Message | null } | Refusal {
  const early =
    slowed(parts, session, log.nowMs) ??
    unattachable(parts, session, attachments) ??
    (streaming === true ? tooManyStreams(parts, session) : null);
  if (early !== null) return early;
  const parent = parentOf(parts, log, session, replyTo);
  const unfit = replyTo === null ? null : unanswerable(parent);
  return unfit ?? { ok: true, parent };
}

/** The message that a reply is to, as its sender sees it. */
export function parentOf(parts: RoomParts, log: Log, session: Session, replyTo: number | null = null): Message | null {
  return replyTo === null ? null : parts.store.messages.get(replyTo, log.nowMs, viewerOf(parts, session));
}

/** A reply is two changes: the message, then its parent's count. */
export function append(
  parts: RoomParts,
  log: Log,
  session: Session,
  { frame, digest }: Draft,
  parent: Message | null,
): Stored {
  const { store } = parts;
  const attachments = attachmentsOf(parts, frame.attachments);
  const message = messageOf(session, { ...frame, attachments }, log.next(), log.nowMs);
  const shadow = isShadowed(parts, session, log.nowMs);
  store.messages.insert(message, frame.nonce === null ? null : digest, shadow);
  if (message.status === "streaming") parts.streaming.begin(message, shadow, log.nowMs);
  parts.files.attach(attachments, message.id);
  log.changed({ type: "message", message });
  if (!shadow) {
    const pay = (): Toll => tollOf(parts, session, log.nowMs);
    parts.questions.consider(message, stateOf(parts), { isPut: frame.asks === true, pay }, log.nowMs);
  }
  if (isSlowed(parts, session)) store.members.saveSpoke(session.user, log.nowMs);
  if (parent !== null) {
    const reply = { replyTo: parent.id, sender: session.user, hidden: shadow, deleted: false };
    countReplies(store, log, [reply], 1);
  }
  return { ok: true, id: message.id, seq: message.seq, duplicate: false };
}

/** Of what is said to everybody, and asks the assistant besides. */
function tollOf({ rates, store }: RoomParts, session: Session, nowMs: number): Toll {
  const { limits } = stateOf({ store }).policy;
  if (rates.payForQuestion(session, limits, nowMs) === null) return "paid";
  return rates.payForNote(session, nowMs) ? "note" : "silence";
}

type Content = Omit<PublishRequest, "attachments"> & { readonly attachments: Attachment[] };

function messageOf({ user, name }: Session, frame: Content, id: number, nowMs: number): Message {
  const lifeMs = frame.expiresInMs ?? null;
  return {
    id,
    seq: id,
    version: 1,
    sender: user === null ? null : { id: user, name },
    nonce: frame.nonce,
    text: frame.text ?? (frame.streaming === true ? "" : null),
    data: frame.data ?? null,
    replyTo: frame.replyTo ?? null,
    replies: 0,
    mentions: [...new Set(frame.mentions)],
    attachments: frame.attachments,
    reactions: {},
    pinned: null,
    status: frame.streaming === true ? "streaming" : "sent",
    createdAt: nowMs,
    editedAt: null,
    deletedAt: null,
    expiresAt: lifeMs === null ? null : nowMs + lifeMs,
  };
}

export function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
