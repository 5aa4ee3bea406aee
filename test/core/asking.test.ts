import { expect, test } from "vitest";
import { answerNonce, asks, assistantOf, questionIn, questionOf, speaksForItself } from "../../src/core/asking.ts";
import { conversation } from "../../src/core/conversation.ts";
import { type Answering, AssistantId } from "../../src/protocol/assistant.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { type Message, Nonce } from "../../src/protocol/message.ts";

const helper: Answering = { id: "helper", answers: "mention", prefix: null };
const always: Answering = { ...helper, id: "chatty", answers: "always" };
const command: Answering = { ...helper, id: "clerk", answers: "command", prefix: "/ask" };
const said = (text: string | null, mentions: string[] = []) => ({ text, mentions });

test("[I3] an assistant is asked by those who mention it, by everybody, or by its command, as its tenant says", () => {
  expect(asks(said("hi", ["bo", "helper"]), helper)).toBe(true);
  expect(asks(said("hi helper", ["bo"]), helper)).toBe(false);
  expect(asks(said("hi"), always)).toBe(true);
  for (const text of ["/ask", "/ask how late is it", "/ask: it", "/ask\nit"])
    expect(asks(said(text), command)).toBe(true);
  for (const text of ["/asking", "/ask2", "ask", " /ask", "please /ask"]) expect(asks(said(text), command)).toBe(false);
  expect(asks(said("!now"), { ...command, prefix: "!" })).toBe(true);
  for (const nothing of [null, "", " \n"])
    for (const assistant of [helper, always]) expect(asks(said(nothing, ["helper"]), assistant)).toBe(false);
  expect(questionIn("/ask  how late? ", command)).toBe("how late?");
  expect(questionIn("how late? ", helper)).toBe("how late? ");
});

test("[I13] the room's word goes before the tenant's, and `none` is no assistant", () => {
  const assistants = [helper, always];
  const of = (own: string | null, ofTenant: string | null): string | undefined =>
    assistantOf({ assistant: own }, { assistant: ofTenant, assistants })?.id;
  expect([of(null, null), of("helper", null), of(null, "helper"), of("chatty", "helper")]).toEqual([
    undefined,
    "helper",
    "helper",
    "chatty",
  ]);
  expect([of("none", "helper"), of("gone", "helper"), of(null, "gone")]).toEqual([undefined, undefined, undefined]);
  expect(AssistantId.safeParse("none").success).toBe(false);
});

test("[I3] what any assistant of the tenant says asks nobody", () => {
  const policy = { assistant: null, assistants: [helper, always] };
  expect(["helper", "chatty", "ada", null].map((user) => speaksForItself(policy, user))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test("[I6] of each question there is one nonce, which no other has", () => {
  for (const question of [1, 99_999_999, 100_000_000, Number.MAX_SAFE_INTEGER]) {
    expect(Nonce.safeParse(answerNonce(question)).success).toBe(true);
    expect(questionOf(answerNonce(question))).toBe(question);
  }
  for (const other of [null, "", "assistant-1", "assistant-0000000x", "xassistant-00000001"])
    expect(questionOf(other)).toBeNull();
});

function message(id: number, text: string | null, more: Partial<Message> = {}): Message {
  return {
    id,
    seq: id,
    version: 1,
    sender: { id: "ada", name: "Ada" },
    nonce: null,
    text,
    data: null,
    replyTo: null,
    replies: 0,
    mentions: [],
    attachments: [],
    reactions: {},
    status: "sent",
    createdAt: 0,
    editedAt: null,
    deletedAt: null,
    expiresAt: null,
    pinned: null,
    ...more,
  };
}

test("[I5] a model is shown who said what, itself as itself, and nothing of what is deleted, failed or not over yet", () => {
  const clerk = { ...command, name: "The clerk", prompt: null };
  const turns = conversation(
    clerk,
    [
      message(1, "hello"),
      message(2, null, { deletedAt: 1 }),
      message(3, "Good day.", { sender: { id: "clerk", name: null } }),
      message(4, "It could not answer", { sender: { id: "clerk", name: null }, status: "failed" }),
      message(5, "to be conti", { sender: { id: "bo", name: null }, status: "streaming" }),
      message(6, "half", { sender: { id: "bo", name: null }, status: "interrupted" }),
      message(7, "from nobody", { sender: null }),
      message(8, "/ask how late is it?"),
      message(9, "later"),
    ],
    8,
  );
  expect(turns.map(({ role, content }) => `${role}> ${content}`)).toEqual([
    "system> You are The clerk, an assistant in a chat room. What users say begins with their names.",
    "user> Ada: hello",
    "assistant> Good day.",
    "user> bo: half",
    "user> Server: from nobody",
    "user> Ada: how late is it?",
  ]);
  expect(conversation({ ...clerk, prompt: "Be brief." }, [message(1, "hi")], 1)[0]?.content).toBe("Be brief.");
});

test("[I5] [W7] of what was said before only as much is shown as there is room for, and the question in any case", () => {
  const units = fixedLimits.assistantHistoryUnits;
  const shown = (...lengths: number[]): number => {
    const messages = lengths.map((length, index) => message(index + 1, "x".repeat(length - "Ada: ".length)));
    return conversation({ ...helper, name: null, prompt: "p" }, messages, messages.length).length - 1;
  };
  expect(shown(10, units / 2, units / 2 - 10)).toBe(3);
  expect(shown(11, units / 2, units / 2 - 10)).toBe(2);
  expect(shown(10, 10, 2 * units)).toBe(1);
});
