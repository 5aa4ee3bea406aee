/** What a model is shown of a room: what everybody there has said of late, the question last, within a bound. */
import type { Answering, AssistantSettings } from "../protocol/assistant.ts";
import { fixedLimits } from "../protocol/limits.ts";
import type { Message } from "../protocol/message.ts";
import { questionIn } from "./asking.ts";

/** As OpenAI's protocol has it. */
export interface Turn {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** `messages` in ascending order, of which the last one with text is the question. */
export function conversation(
  assistant: Pick<AssistantSettings, "prompt" | "name"> & Answering,
  messages: readonly Message[],
  question: number,
): Turn[] {
  const turns = messages
    .filter((message) => message.id <= question && isSaid(message))
    .map((message) => turnOf(assistant, message, message.id === question));
  const system = { role: "system", content: assistant.prompt ?? introduction(assistant) } as const;
  return [system, ...newest(turns)];
}

/** What is not over yet, or failed, is nothing that somebody said. */
function isSaid({ text, deletedAt, status }: Message): boolean {
  return text !== null && text !== "" && deletedAt === null && status !== "streaming" && status !== "failed";
}

function turnOf(assistant: Answering, { sender, text }: Message, isQuestion: boolean): Turn {
  const said = text ?? "";
  if (sender?.id === assistant.id) return { role: "assistant", content: said };
  const who = sender === null ? "Server" : (sender.name ?? sender.id);
  return { role: "user", content: `${who}: ${isQuestion ? questionIn(said, assistant) : said}` };
}

/** The question in any case, and of what was before it as much as there is room for. */
function newest(turns: readonly Turn[]): Turn[] {
  let units = 0;
  const first = turns.findLastIndex(({ content }, index) => {
    units += content.length;
    return index < turns.length - 1 && units > fixedLimits.assistantHistoryUnits;
  });
  return turns.slice(first + 1);
}

function introduction({ name, id }: Pick<AssistantSettings, "name"> & Answering): string {
  return `You are ${name ?? id}, an assistant in a chat room. What users say begins with their names.`;
}
