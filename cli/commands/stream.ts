/** What comes in by stdin, as a message that grows while it is read: a model's answer, for one. */
import type { Client, MessageStream } from "../../src/client/client.ts";
import { command } from "../command.ts";
import { Failure } from "../failure.ts";
import { expectPipe } from "../input.ts";
import { asOption, MessageNumber, roomWord } from "../options.ts";
import { counted } from "../progress.ts";
import { leave, open } from "../session.ts";

export const stream = command({
  name: "stream",
  summary: "Publish what comes in by stdin as one message, which grows as it comes",
  more: "It begins with the first piece and ends with the input. Ctrl-C ends the message as cancelled.",
  example: "my-llm 'Why is the sky blue?' | npx parley stream general --as bot",
  words: { room: roomWord },
  options: {
    as: asOption,
    "reply-to": { text: "the message that it answers", value: "id", schema: MessageNumber.optional() },
  },
  async run({ room, as: user, "reply-to": replyTo }, context) {
    const client = await open({ room, user, rights: ["read", "publish", "stream"] }, context);
    try {
      expectPipe();
      const { id, length } = await produce(client, room, replyTo);
      if (context.json) context.terminal.json({ room, id, length });
      else context.terminal.line(`#${id} in ${room}, ${counted(length, "character")}`);
    } finally {
      leave(client);
    }
  },
});

async function produce(client: Client, name: string, replyTo: number | undefined) {
  let message: MessageStream | null = null;
  let isStopped = false;
  const stop = (): void => {
    isStopped = true;
    process.stdin.destroy();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, stop);
  for await (const piece of piecesOfStdin(() => isStopped)) {
    message ??= await begun(client, name, replyTo, stopInput);
    message.append(piece);
  }
  if (message === null) throw new Failure("nothing came in: nothing was published");
  if (isStopped) await message.cancel("stopped by hand");
  else await message.finish();
  if (isStopped) throw new Failure("stopped: the message ends as cancelled");
  return { id: message.message.id, length: message.text.length };
}

/** Somebody else may end it: then whoever makes the text need not go on. */
async function begun(
  client: Client,
  name: string,
  replyTo: number | undefined,
  onOver: () => void,
): Promise<MessageStream> {
  const message = await client.room(name).stream(replyTo === undefined ? {} : { replyTo });
  message.signal.addEventListener("abort", onOver);
  return message;
}

function stopInput(): void {
  process.stdin.destroy();
}

async function* piecesOfStdin(isStopped: () => boolean): AsyncIterable<string> {
  try {
    for await (const piece of process.stdin.setEncoding("utf8")) yield String(piece);
  } catch (error) {
    // It was cut off by us.
    if (!isStopped() && !process.stdin.destroyed) throw error;
  }
}
