/** Streaming one message: its producer appends, and finishes. */
import { silenced } from "../../core/admission.ts";
import type { AppendFrame, FinishFrame } from "../../protocol/clientFrames.ts";
import type { Limits } from "../../protocol/limits.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import { utf8Length } from "../../protocol/text.ts";
import { isShadowed } from "./admittance.ts";
import { crowded } from "./capacity.ts";
import { inquired } from "./inquiry.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import type { Admitted, Entry } from "./queue.ts";
import { senderOf } from "./rates.ts";
import { lacks, standingOf } from "./standing.ts";
import type { LiveStream } from "./store/streams.ts";
import { applyEnd, type End, fail, isOver, retried } from "./streamEnd.ts";
import { streamOf } from "./streamView.ts";

/** `at` is how long the text is now. It is told within a moment and stored within a second: this is no promise that it stays. */
export type AppendAnswer = { readonly ok: true; readonly at: number } | Refusal;

/** As its producer wants it. Only one of our own that has lost its memory says `interrupted`. */
export type EndRequest = Pick<FinishFrame, "text" | "at"> & { readonly status: FinishFrame["status"] | "interrupted" };

const { word, half, other } = {
  word: refuse("content_rejected", "The text holds a word that is not allowed here."),
  half: refuse("invalid_field", "`text`: holds a lone surrogate that the text so far does not complete."),
  other: "Another text stands there.",
};

/** Each is held in memory for as long as it lasts. */
export function tooManyStreams({ store }: RoomParts, { user }: Session): Refusal | null {
  const { streamsPerUser, streamsPerRoom } = stateOf({ store }).policy.limits;
  const why = (limit: number, whose: string): Refusal =>
    refuse("rate_limited", `At most ${limit} messages ${whose} are streamed at a time.`, { retryAfterMs: 1_000 });
  if (store.streams.countOf(user) >= streamsPerUser) return why(streamsPerUser, "of a user in a room");
  return store.streams.size >= streamsPerRoom ? why(streamsPerRoom, "of a room") : null;
}

/** Decided at once: nothing is queued, and no row is written. */
export function append(
  parts: RoomParts,
  session: Session,
  { id, at, text }: Pick<AppendFrame, "id" | "at" | "text">,
  nowMs: number,
): AppendAnswer {
  const { settings, policy } = stateOf(parts);
  const standing = standingOf(parts, session);
  const refused =
    lacks(parts, session, "stream") ??
    silenced(session, standing, settings, nowMs) ??
    parts.rates.payForAppend(session, policy.limits, utf8Length(text), nowMs) ??
    crowded(parts);
  if (refused !== null) return refused;
  const stream = streamOf(parts, session, id, nowMs);
  if ("error" in stream) return stream;
  if (stream.ending !== null) return ending;
  // He is not to notice that it goes nowhere.
  if (!stream.isHidden && isShadowed(parts, session, nowMs)) return { ok: true, at: at + text.length };
  if (Math.max(stream.text.length, at + text.length) > policy.limits.streamTextLength)
    return refuse("too_large", `A streamed text may have ${policy.limits.streamTextLength} UTF-16 units.`);
  const appended = stream.text.append(at, text, policy.words);
  if (appended.ok) {
    parts.streaming.heard(stream, nowMs);
    return { ok: true, at: stream.text.length };
  }
  const want = { want: stream.text.length };
  switch (appended.why) {
    case "hole":
      return elsewhere(stream);
    case "other":
      return refuse("conflict", other, want);
    case "half":
      return half;
    case "word":
      fail(parts, stream);
      return word;
  }
}

/** Ends the stream by one change. A retry of the same end is known, and so is one that somebody else has brought about. */
export function finish(
  parts: RoomParts,
  session: Session,
  frame: EndRequest & Pick<FinishFrame, "id">,
  nowMs: number,
): Admitted {
  const { policy, settings } = stateOf(parts);
  const mayNot = lacks(parts, session, "stream") ?? silenced(session, standingOf(parts, session), settings, nowMs);
  if (mayNot !== null) return mayNot;
  const underway = beingFinished(parts, session, frame, nowMs);
  if (underway !== null) return underway;
  const refused =
    tooLong(frame.text, policy.limits) ??
    parts.account.refusal(nowMs) ??
    // What was not appended is told all at once, and looked at as a whole.
    (frame.text === undefined
      ? null
      : parts.rates.payForAppend(session, policy.limits, utf8Length(frame.text), nowMs)) ??
    parts.rates.payForChange(session, policy.limits, nowMs);
  if (refused !== null) return refused;
  const stream = streamOf(parts, session, frame.id, nowMs);
  if ("error" in stream) return isOver(stream) ? retried(parts, session, frame, nowMs, stream) : stream;
  if (frame.at !== undefined && frame.at !== stream.text.length) return elsewhere(stream);
  const text = frame.text ?? stream.text.whole(policy.words);
  if (text === null) {
    fail(parts, stream);
    return word;
  }
  return finishing(parts, session, { ...frame, text }, { stream, sent: frame.text });
}

/** The same once more, while the hook thinks or the flush is due, is answered as the first, and costs nothing. Null where nothing is under way. */
function beingFinished(
  parts: RoomParts,
  session: Session,
  { id, status, text, at }: EndRequest & Pick<FinishFrame, "id">,
  nowMs: number,
): Admitted | null {
  const stream = streamOf(parts, session, id, nowMs);
  if ("error" in stream || stream.ending === null) return null;
  const { ending: first } = stream;
  if (first.status !== status || first.text !== text) return ending;
  return at !== undefined && at !== stream.text.length
    ? elsewhere(stream)
    : { ok: true, entry: first.entry, joins: true };
}

function tooLong(text = "", { streamTextLength: most }: Limits): Refusal | null {
  return text.length > most ? refuse("too_large", `A streamed text may have ${most} UTF-16 units.`) : null;
}

/** The text is looked at as that of a message is, and the tenant's hook is asked about it. Meanwhile nothing is added. */
function finishing(
  parts: RoomParts,
  session: Session,
  { id, status, text }: { readonly id: number; readonly status: End["status"]; readonly text: string },
  { stream, sent }: { readonly stream: LiveStream; readonly sent: string | undefined },
): Admitted {
  const entryOf = (content: { readonly text: string }): Entry => ({
    bytes: utf8Length(content.text),
    charged: true,
    sender: senderOf(session),
    apply: (log) => applyEnd(parts, log, session, id, { status, text: content.text }),
    waiters: [],
  });
  const entry = inquired(parts, session, {
    said: { text },
    question: () => ({ message: { text }, edit: id }),
    unfit: (content) => (content.text === null ? refuse("invalid_field", "A streamed message has a text.") : null),
    entryOf,
  });
  if ("error" in entry) {
    if (entry.error === "content_rejected") fail(parts, stream);
    return entry;
  }
  stream.ending = { status, text: sent, entry };
  entry.waiters.push((outcome) => {
    stream.ending = null;
    if (!outcome.ok && outcome.error === "content_rejected") fail(parts, stream, "");
  });
  return { ok: true, entry, joins: false };
}

function elsewhere({ text }: LiveStream): Refusal {
  return refuse("stream_offset", `The text has ${text.length} UTF-16 units: go on there.`, { want: text.length });
}

const ending = refuse("stream_closed", "The stream is being finished.");
