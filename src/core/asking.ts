/** Which assistant a room has, and which messages ask it. */
import { type Answering, noAssistant } from "../protocol/assistant.ts";
import type { Message } from "../protocol/message.ts";
import type { RoomPolicy } from "../protocol/policy.ts";

export type Engaged = Pick<RoomPolicy, "assistant" | "assistants">;

/** What the room says goes before what its tenant says. Null where there is none of that name. */
export function assistantOf(
  { assistant: own }: { readonly assistant: string | null },
  { assistant: ofTenant, assistants }: Engaged,
): Answering | null {
  const wanted = own ?? ofTenant;
  return wanted === noAssistant ? null : (assistants.find(({ id }) => id === wanted) ?? null);
}

/** What an assistant says asks no assistant, whichever it is: two of them would never come to an end. */
export function speaksForItself({ assistants }: Engaged, user: string | null): boolean {
  return assistants.some(({ id }) => id === user);
}

/** Of a message of a user. */
export function asks(
  { text, mentions }: Pick<Message, "text" | "mentions">,
  { id, answers, prefix }: Answering,
): boolean {
  if (text === null || text.trim() === "") return false;
  switch (answers) {
    case "always":
      return true;
    case "mention":
      return mentions.includes(id);
    case "command":
      return prefix !== null && isCommand(text, prefix);
  }
}

/** `/ask` is not the beginning of `/asking`. */
function isCommand(text: string, prefix: string): boolean {
  if (!text.startsWith(prefix)) return false;
  const isWord = /[\p{L}\p{N}]$/u.test(prefix);
  return !isWord || !/^[\p{L}\p{N}]/u.test(text.slice(prefix.length));
}

/** What is asked, without what it began with. */
export function questionIn(text: string, { answers, prefix }: Pick<Answering, "answers" | "prefix">): string {
  return answers === "command" && prefix !== null && isCommand(text, prefix) ? text.slice(prefix.length).trim() : text;
}

const noncePrefix = "assistant-";

/** Of the answer: by it a question is answered once, whatever happened to whoever answers. */
export function answerNonce(question: number): string {
  return `${noncePrefix}${String(question).padStart(8, "0")}`;
}

/** Null for the nonce of what is no answer. */
export function questionOf(nonce: string | null): number | null {
  const digits = /^assistant-([0-9]{8,16})$/.exec(nonce ?? "")?.[1];
  return digits === undefined ? null : Number(digits);
}
