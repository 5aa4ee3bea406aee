/** What the bot says: of the question alone, so that it says the same when it is asked again. */
import type { Message } from "parley/client";

const commands: Readonly<Record<string, (question: Message) => string>> = {
  "!help": () => `I know ${Object.keys(commands).join(" and ")}.`,
  "!time": ({ createdAt }) => `When you asked it was ${new Date(createdAt).toISOString().slice(11, 19)} UTC.`,
};

/** Null for what is no question to it. */
export function answerTo(question: Message): string | null {
  return commands[question.text?.trim() ?? ""]?.(question) ?? null;
}
