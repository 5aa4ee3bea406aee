/** What was said in a room. */
import * as z from "zod";
import { Page } from "../../src/protocol/serverFrames.ts";
import { command, type Context } from "../command.ts";
import { UsageError } from "../failure.ts";
import { tellMessage } from "../messageLine.ts";
import { count, MessageNumber, roomWord } from "../options.ts";

type Messages = z.infer<typeof Page>["messages"];

const pageMax = 200;

export const history = command({
  name: "history",
  summary: "Show what was said in a room",
  more: "The newest 20, unless it is said how many, or from where.",
  example: "npx parley history general --last 100\nnpx parley history general --all --json > general.ndjson",
  words: { room: roomWord },
  options: {
    last: { text: "how many of the newest", value: "number", schema: count(1, 100_000).default(20) },
    before: { text: "the newest before this message", value: "id", schema: MessageNumber.optional() },
    after: { text: "everything after this message", value: "id", schema: MessageNumber.optional() },
    all: { text: "everything", schema: z.boolean().default(false) },
  },
  async run({ room, last, before, after, all }, context) {
    const path = `/v1/rooms/${room}/messages`;
    const isForward = all || after !== undefined;
    if (isForward && before !== undefined) throw new UsageError("--before goes with neither --after nor --all");
    if (isForward) await forward(path, after ?? 0, context);
    else tellAll(await newest(path, last, before, context), context);
  },
});

/** From the oldest on: each page is told before the next is asked for. */
async function forward(path: string, after: number, context: Context): Promise<void> {
  for (let from = after; ;) {
    const page = await context.api.ask(path, Page, { query: { after: from, limit: pageMax } });
    tellAll(page.messages, context);
    const last = page.messages.at(-1);
    if (!page.hasMore || last === undefined) return;
    from = last.id;
  }
}

async function newest(path: string, last: number, before: number | undefined, { api }: Context): Promise<Messages> {
  const pages: Messages[] = [];
  let bound = before;
  let found = 0;
  for (;;) {
    const limit = Math.min(pageMax, last - found);
    const page = await api.ask(path, Page, { query: { before: bound, limit } });
    pages.unshift(page.messages);
    found += page.messages.length;
    bound = page.messages[0]?.id;
    if (!page.hasMore || found >= last || bound === undefined) return pages.flat();
  }
}

function tellAll(messages: Messages, { terminal, json }: Context): void {
  for (const message of messages) {
    if (json) terminal.json(message);
    else tellMessage(terminal, message);
  }
}
