/** A bot that answers `!time` and `!help` in one room: once each, also what was asked while it was away. */
import { createClient, type Message } from "parley/client";
import { newToken, url } from "../parley.ts";
import { answerTo } from "./answers.ts";
import { Place } from "./place.ts";

const user = "bot";
const name = process.env.ROOM ?? "general";
const place = new Place(process.env.BOT_FILE ?? "bot.place");

const client = createClient({
  url,
  getToken: () => newToken({ user, name: "The bot", rooms: { [name]: ["read", "publish"] } }),
});
const room = client.room(name, { backlog: 1 });
client.on("state", (state) => state.name === "waiting" && console.error(`Trying again. ${state.error.message}`));

/** What comes while it works waits its turn: where it stands is one number. */
let working = Promise.resolve();
function next(work: () => Promise<void>): void {
  working = working.then(work).catch((error: unknown) => console.error("The bot goes on after", error));
}

async function look(message: Message): Promise<void> {
  if (message.id <= (place.seen ?? 0)) return;
  const text = message.sender?.id === user ? null : answerTo(message);
  // Killed before it has written down where it stands, it will say the same under the same nonce: that is stored once.
  if (text !== null) await room.publish({ text, replyTo: message.id, nonce: `bot-answer-${message.id}` });
  place.keep(message.id);
}

/** Page by page from where it stood, after an hour as after a week. The first time there is nothing that it has missed. */
async function catchUp(): Promise<void> {
  if (place.seen === null) place.keep(room.snapshot.messages.at(-1)?.id ?? 0);
  for (let hasMore = true; hasMore;) {
    const page = await room.history({ after: place.seen ?? 0, limit: 200 });
    for (const message of page.messages) await look(message);
    hasMore = page.hasMore;
  }
}

room.on("message", (message) => next(() => look(message)));
// Away for so long that the server does not replay it: the pages have it all.
room.on("gap", () => next(catchUp));

let isIn = false;
room.subscribe(({ status, error }) => {
  if (status === "failed") throw error ?? new Error("The room lets nobody in.");
  if (status !== "live" || isIn) return;
  isIn = true;
  next(catchUp);
  console.log(`The bot listens in ${name}.`);
});
