/** What is put to the room's assistant, and what it is handed. */
import { answerNonce, assistantOf, questionOf, speaksForItself } from "../../core/asking.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Session } from "../../protocol/session.ts";
import type { Question } from "../assistant/asked.ts";
import type { Parcel } from "./courier.ts";
import { type RoomParts, stateOf } from "./parts.ts";
import { epochOf } from "./position.ts";
import { itself, viewerOf } from "./viewer.ts";

/** Why nobody would answer what is put to the assistant in so many words, or null. */
export function unaskable(parts: RoomParts, { user }: Session): Refusal | null {
  const { settings, policy } = stateOf(parts);
  if (assistantOf(settings, policy) === null) return refuse("not_found", "This room has no assistant.");
  return speaksForItself(policy, user) ? refuse("forbidden", "An assistant asks no assistant.") : null;
}

/** Of what waits the oldest; all of it is forgotten where there is nobody to answer any more. */
export function nextQuestions(parts: RoomParts): Parcel<Question> | null {
  const { store, questions } = parts;
  if (store.room === null || store.room.deletedAtMs !== null) return null;
  const waiting = questions.waiting(fixedLimits.assistantWaiting);
  const [oldest] = waiting;
  const last = waiting.at(-1);
  if (oldest === undefined || last === undefined) return null;
  const { epoch: stored, settings, policy } = store.room;
  const epoch = epochOf(parts);
  const assistant = assistantOf(settings, policy);
  return {
    events: assistant === null ? [] : waiting.map((one) => ({ epoch, assistant: assistant.id, ...one })),
    sinceMs: oldest.atMs,
    // The room may have been deleted meanwhile, and made again.
    delivered: () => store.room?.epoch === stored && questions.taken(last.message),
  };
}

/** What becomes of a question. */
export interface Answered {
  /** The message that answers it, as far as it has begun and whoever asks is shown it; null where it is not there yet. */
  readonly answer: number | null;
  /** Not of one that is hidden: everybody would hear the answer. */
  readonly isComing: boolean;
}

export function answerTo(parts: RoomParts, session: Session, question: number, nowMs: number): Answered {
  const { messages } = parts.store;
  for (const { id } of stateOf(parts).policy.assistants) {
    const found = messages.findByNonce(id, answerNonce(question));
    const answer = found === null ? null : messages.get(found.id, nowMs, viewerOf(parts, session));
    if (answer !== null) return { answer: answer.id, isComing: true };
  }
  return { answer: null, isComing: messages.authorOfHidden(question) === undefined };
}

/** Whether this is an assistant's answer to what this user has asked: whoever asks may have it end. */
export function isAnswerTo(parts: RoomParts, { user }: Session, id: number, nowMs: number): boolean {
  const { messages } = parts.store;
  const answer = messages.get(id, nowMs, itself);
  const question = questionOf(answer?.nonce ?? null);
  if (user === null || question === null || !speaksForItself(stateOf(parts).policy, answer?.sender?.id ?? null))
    return false;
  return messages.get(question, nowMs, itself)?.sender?.id === user;
}
