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
import { inquired } from "./inquiry.ts";
import type { Log } from "./log.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { type Admitted, type Entry, nonceKey, type Outcome, type Stored } from "./queue.ts";
import { senderOf } from "./rates.ts";
import { standingOf } from "./standing.ts";
import { viewerOf } from "./viewer.ts";

/** Over HTTP a message may come without a nonce; then a retry is another message. */
export type PublishRequest = Omit<PublishFrame, "nonce"> & { readonly nonce: string | null };

/** Admits a message into the queue of the next flush. Nothing is stored yet and nobody is told. */
export function publish(parts: RoomParts, session: Session, frame: PublishRequest, nowMs: number): Admitted {
  const standing = standingOf(parts, session);
  const forbidden = needs(session, standing.role, "publish");
  if (forbidden !== null) return forbidden;
  const digest = contentDigest(frame);
  // A retry of what is stored or queued is answered before any limit: it costs nothing and must not fail twice.
  const earlier = frame.nonce === null ? null : known(parts, session.user, frame.nonce, digest);
  if (earlier !== null) return earlier;
  const { settings, policy } = stateOf(parts);
  const refused =
    silenced(session, standing, settings, nowMs) ??
    slowed(parts, session, nowMs) ??
    unfitMessage(frame, policy.limits) ??
    unattachable(parts, session, frame.attachments) ??
    crowded(parts) ??
    parts.account.refusal(nowMs) ??
    parts.rates.payForChange(session, policy.limits, nowMs);
  if (refused !== null) return refused;
  const { text = null, data = null, replyTo = null, mentions = [] } = frame;
  const entry = inquired(parts, session, {
    said: frame,
    question: { message: { text, data, replyTo, mentions, ...asked(attachmentsOf(parts, frame.attachments)) } },
    unfit: (content) => unfitMessage(content, policy.limits),
    entryOf: (content) => entryOf(parts, session, content, digest),
  });
  return "error" in entry ? entry : { ok: true, entry, joins: false };
}

function asked(attachments: Attachment[]): { attachments?: Attachment[] } {
  return attachments.length === 0 ? {} : { attachments };
}

function known({ store, queue }: RoomParts, user: string | null, nonce: string, digest: Uint8Array): Admitted | null {
  const waiting = queue.findByNonce(nonceKey(user, nonce));
  if (waiting?.nonce !== undefined)
    return equal(waiting.nonce.digest, digest) ? { ok: true, entry: waiting, joins: true } : refuse("nonce_reused");
  const stored = store.messages.findByNonce(user, nonce);
  if (stored === null) return null;
  return equal(stored.digest, digest)
    ? { ok: true, id: stored.id, seq: stored.id, duplicate: true }
    : refuse("nonce_reused");
}

function slowed(parts: RoomParts, session: Session, nowMs: number): Refusal | null {
  if (!isSlowed(parts, session)) return null;
  return tooSoon(
    stateOf(parts).settings.slowModeMs,
    parts.store.members.spokeAtMs(session.user, parts.store.slowSinceMs),
    nowMs,
  );
}

/** The tenant's own server names no user and is not slowed. */
function isSlowed(parts: RoomParts, session: Session): session is Session & { readonly user: string } {
  if (session.user === null || stateOf(parts).settings.slowModeMs === 0) return false;
  return !may(session, standingOf(parts, session).role, "moderate");
}

function entryOf(parts: RoomParts, session: Session, frame: PublishRequest, digest: Uint8Array): Entry {
  const { nonce } = frame;
  return {
    bytes: contentBytes(frame),
    charged: true,
    sender: senderOf(session),
    ...(nonce === null ? {} : { nonce: { key: nonceKey(session.user, nonce), digest } }),
    apply: (log) => append(parts, log, session, frame, digest),
    waiters: [],
  };
}

/** A reply is two changes: the message, then its parent's count. */
function append(parts: RoomParts, log: Log, session: Session, frame: PublishRequest, digest: Uint8Array): Outcome {
  const { store } = parts;
  // Another message of the same user may have been stored since this one was admitted.
  const early = slowed(parts, session, log.nowMs) ?? unattachable(parts, session, frame.attachments);
  if (early !== null) return early;
  const replyTo = frame.replyTo ?? null;
  const parent = replyTo === null ? null : store.messages.get(replyTo, log.nowMs, viewerOf(parts, session));
  if (replyTo !== null && parent === null) return refuse("not_found", "`replyTo`: there is no such message.");
  const attachments = attachmentsOf(parts, frame.attachments);
  const message = messageOf(session, { ...frame, attachments }, log.next(), log.nowMs);
  const shadow = isShadowed(parts, session, log.nowMs);
  store.messages.insert(message, frame.nonce === null ? null : digest, shadow);
  parts.files.attach(attachments, message.id);
  log.changed({ type: "message", message });
  if (isSlowed(parts, session)) store.members.saveSpoke(session.user, log.nowMs);
  // A count that moved would tell of a reply that nobody sees.
  if (parent !== null && !shadow) {
    const patch = { id: parent.id, seq: log.next(), replies: parent.replies + 1 };
    store.messages.saveReplies(patch);
    log.changed({ type: "message", message: patch });
  }
  return { ok: true, id: message.id, seq: message.seq, duplicate: false } satisfies Stored;
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
    text: frame.text ?? null,
    data: frame.data ?? null,
    replyTo: frame.replyTo ?? null,
    replies: 0,
    mentions: [...new Set(frame.mentions)],
    attachments: frame.attachments,
    reactions: {},
    status: "sent",
    createdAt: nowMs,
    editedAt: null,
    deletedAt: null,
    expiresAt: lifeMs === null ? null : nowMs + lifeMs,
  };
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
