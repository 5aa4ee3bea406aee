/** One answer, from its question to its end: a message of the assistant's user that is streamed like anybody's. */
import { answerNonce } from "../../core/asking.ts";
import { conversation } from "../../core/conversation.ts";
import { faults } from "../../outbound/exchange.ts";
import { parseCursor } from "../../protocol/cursor.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import type { Message } from "../../protocol/message.ts";
import { type Refusal, refusals } from "../../protocol/refusals.ts";
import type { Caller } from "../room/existence.ts";
import type { RoomStub } from "../stubs.ts";
import type { Engagement } from "../tenant/engage.ts";
import type { Asked } from "./asked.ts";
import type { Spoken, Talking, Trouble } from "./model.ts";
import { Producer } from "./producer.ts";

export interface Answerer {
  readonly room: Pick<RoomStub, "messages" | "publish" | "append" | "finish">;
  /** Null where there is no such assistant any more. */
  readonly engage: () => Promise<Engagement | null>;
  /** Never throws. */
  readonly speak: (talking: Talking) => Promise<Spoken>;
}

const words: Readonly<Record<Trouble | "busy" | "often" | "empty", string>> = {
  ...faults,
  private: "its endpoint's address is not a public one",
  locked: "its key has to be given anew",
  missing: "its model is not to be had here",
  busy: "there is too much to answer",
  often: "you ask too often, wait a moment",
  empty: "its answer was empty",
};

/** When to begin anew, where nothing could be said yet; null when it is over. Throws where its room or its tenant cannot be asked. */
export async function answer(answerer: Answerer, asked: Asked): Promise<number | null> {
  if (Date.now() > asked.atMs + fixedLimits.assistantQuestionMs) return null;
  const engagement = await answerer.engage();
  if (engagement === null) return null;
  const { room } = answerer;
  const caller = callerOf(engagement);
  const { assistant } = engagement;
  const page = await room.messages(caller, { before: asked.message + 1, limit: assistant.history });
  if (!page.ok) return againAfter(page);
  // Who asked has deleted it meanwhile, or the room was deleted and made anew.
  const question = page.messages.at(-1);
  const isThere = question?.id === asked.message && question.text !== null;
  if (!isThere || parseCursor(page.cursor)?.epoch !== asked.epoch) return null;
  const begun = await room.publish(caller, {
    type: "publish",
    nonce: answerNonce(asked.message),
    text: "",
    // Threads are flat: in one the answer stands beside the question.
    replyTo: question.replyTo ?? asked.message,
    streaming: true,
  });
  if (!begun.ok) return againAfter(begun);
  const { message } = begun;
  // Somebody, or what has been lost of this object, has brought it to its end.
  if (message === null || message.status !== "streaming") return null;
  const stream = { answerer, caller, message };
  // What was said cannot be said once more: another answer would be another one.
  if (message.text !== "" || asked.begun > fixedLimits.assistantAttempts)
    return finish(stream, { status: "interrupted" });
  if (asked.isTooOften) return fail(stream, "often");
  if (asked.isTooMuch) return fail(stream, "busy");
  return say(stream, engagement, conversation(assistant, page.messages, asked.message));
}

interface Stream {
  readonly answerer: Answerer;
  readonly caller: Caller;
  readonly message: Message;
}

async function say(stream: Stream, engagement: Engagement, turns: Talking["turns"]): Promise<null> {
  const { answerer, caller, message } = stream;
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), fixedLimits.assistantMsMax);
  const producer = new Producer({
    append: (piece) => answerer.room.append(caller, message.id, piece),
    onOver: () => ending.abort(),
  });
  const onText = (text: string): void => producer.add(text);
  const speaking = ask(
    () => answerer.speak({ engagement, turns, onText, signal: ending.signal }),
    producer,
    ending.signal,
  );
  try {
    const closing = speaking.finally(() => producer.close());
    const [spoken, produced] = await Promise.all([closing, producer.run()]);
    if (produced === "ended") return null;
    if (produced === "refused") return await finish(stream, { status: "failed" });
    if (!spoken.ok) return await fail(stream, ending.signal.aborted ? "slow" : spoken.fault, producer.length > 0);
    return producer.length > 0 ? await finish(stream, { status: "sent" }) : await fail(stream, "empty");
  } finally {
    clearTimeout(timer);
    ending.abort();
  }
}

/** Again, where nothing has come yet and that may help. */
async function ask(speak: () => Promise<Spoken>, producer: Producer, signal: AbortSignal): Promise<Spoken> {
  for (let attempt = 1; ; attempt++) {
    const spoken = await speak();
    if (spoken.ok || !spoken.isPassing || producer.length > 0 || signal.aborted) return spoken;
    const pauseMs = spoken.retryAfterMs ?? fixedLimits.assistantPauseMs * 2 ** (attempt - 1);
    if (attempt === fixedLimits.assistantAttempts || pauseMs > fixedLimits.assistantRetryAfterMs) return spoken;
    await pause(pauseMs, signal);
    if (signal.aborted) return spoken;
  }
}

/** No longer than until the signal: what was waited for is for nobody then. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** What was said of it stays; where nothing was, it says why, and not in the words of the endpoint. */
function fail(stream: Stream, trouble: keyof typeof words, hasSpoken = false): Promise<null> {
  if (hasSpoken) return finish(stream, { status: "failed" });
  return finish(stream, { status: "failed", text: `The assistant could not answer: ${words[trouble]}.` });
}

/** One that cannot be brought to its end is ended by its lease. */
async function finish(
  { answerer, caller, message }: Stream,
  end: { readonly status: "sent" | "failed" | "interrupted"; readonly text?: string },
): Promise<null> {
  for (let attempt = 1; attempt <= fixedLimits.assistantAttempts; attempt++) {
    const finished = await answerer.room.finish(caller, message.id, end);
    if (finished.ok || refusals[finished.error].retry === "no") return null;
    const pauseMs = finished.retryAfterMs ?? fixedLimits.assistantPauseMs;
    // Whoever is muted for a day would keep a place, and this object awake, for as long.
    if (pauseMs >= fixedLimits.streamLeaseMs) return null;
    await pause(pauseMs);
  }
  return null;
}

/** Limits hold for an assistant as for anybody; who may not speak here does not. */
function againAfter({ error, retryAfterMs }: Refusal): number | null {
  const isPassing = refusals[error].retry !== "no" && error !== "muted" && error !== "room_frozen";
  return isPassing ? Date.now() + (retryAfterMs ?? fixedLimits.assistantWatchMs) : null;
}

/** `manage` stands for membership: the room itself has it, so it need not be a member of one that only members enter. */
function callerOf({ assistant: { id, name }, policy }: Engagement): Caller {
  const capabilities: Caller["session"]["capabilities"] = ["read", "publish", "stream", "manage"];
  return {
    policy,
    session: {
      connection: `assistant ${id}`,
      user: id,
      name,
      capabilities,
      ceiling: capabilities,
      key: "assistant",
      token: null,
      issuedAt: Date.now(),
      expiresAt: null,
    },
  };
}
