/** A message, published once, however often it had to be sent. */
import { createHash, randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import * as z from "zod";
import { MessageAnswer } from "../../src/protocol/http.ts";
import { Nonce } from "../../src/protocol/message.ts";
import { patience } from "../api.ts";
import { command, type Context } from "../command.ts";
import { Unreachable, UsageError } from "../failure.ts";
import { expectPipe, textOfStdin } from "../input.ts";
import { asOption, MessageNumber, roomWord } from "../options.ts";

const Json = z.string().transform((text, context) => {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    context.addIssue({ code: "custom", message: "not JSON" });
    return z.NEVER;
  }
});

export const publish = command({
  name: "publish",
  summary: "Publish a message, which is stored once, however often it had to be sent",
  example: 'npx parley publish general "Hello, room!" --as ada\ntail -f app.log | npx parley publish logs --lines',
  words: {
    room: roomWord,
    text: { text: "what to say; without it, or as -, what comes in by stdin", schema: z.string().optional() },
  },
  options: {
    as: asOption,
    data: { text: "JSON beside the text, or in its place", value: "json", schema: Json.optional() },
    "reply-to": { text: "the message that it answers", value: "id", schema: MessageNumber.optional() },
    "idempotency-key": {
      text: "8 to 64 characters: given again, nothing is stored twice; with --lines each line has its own, made of it",
      value: "key",
      schema: Nonce.optional(),
    },
    lines: { text: "a message for each line of stdin, as they come", schema: z.boolean().default(false) },
  },
  async run(given, context) {
    const { text, data, lines } = given;
    const nonce = given["idempotency-key"] ?? randomUUID();
    const about = { room: given.room, user: given.as, nonce, pausesMs: patience.short };
    const content = { data, replyTo: given["reply-to"] };
    if (lines && text !== undefined && text !== "-")
      throw new UsageError("--lines reads from stdin, and takes no text");
    if (lines) return publishLines(about, content, context);
    const isRead = text === "-" || (text === undefined && data === undefined);
    await send(about, { ...content, text: isRead ? await textOfStdin() : text }, context);
  },
});

interface About {
  readonly room: string;
  readonly user: string | undefined;
  readonly nonce: string;
  readonly pausesMs: readonly number[];
}

/** In their order: each when the one before it is stored. */
async function publishLines(about: About, content: object, context: Context): Promise<void> {
  expectPipe();
  let number = 0;
  let { pausesMs } = about;
  for await (const text of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    number++;
    if (text === "") continue;
    await send({ ...about, nonce: lineNonce(about.nonce, number), pausesMs }, { ...content, text }, context);
    // Whoever feeds it would lose the line: a server that was there will be back.
    pausesMs = patience.long;
  }
}

/** Each line's own. A key may be as long as a nonce: what is put behind it, or cut off, may be another's. */
function lineNonce(key: string, number: number): string {
  return createHash("sha256").update(`${key}\n${number}`).digest("base64url");
}

async function send(
  { room, user, nonce, pausesMs }: About,
  body: object,
  { api, terminal, json }: Context,
): Promise<void> {
  const call = { method: "POST", body, user, headers: { "Idempotency-Key": nonce } };
  try {
    const answer = await api.insist(`/v1/rooms/${room}/messages`, MessageAnswer, call, pausesMs);
    if (json) terminal.json(answer);
    else terminal.line(answer.message === null ? "Stored, and gone already." : `#${answer.message.id} in ${room}`);
  } catch (error) {
    if (error instanceof Unreachable)
      terminal.note(`It may be stored all the same: published again with --idempotency-key ${nonce} it is there once.`);
    throw error;
  }
}
