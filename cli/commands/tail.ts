/** A room, followed: what was said last, and from then on whatever happens, also through restarts of the server. */
import type { Client, ConnectionState, RoomSnapshot } from "../../src/client/client.ts";
import { command, type Context } from "../command.ts";
import { Follower, type News } from "../follower.ts";
import { tellChange, tellMessage } from "../messageLine.ts";
import { asOption, count, roomWord } from "../options.ts";
import { whenReaderLeaves } from "../reader.ts";
import { interrupted, leave, open } from "../session.ts";
import { styled, type Terminal } from "../terminal.ts";
import { span } from "../time.ts";

export const tail = command({
  name: "tail",
  summary: "Follow a room: what was said last, and whatever happens from then on",
  more: "It comes back by itself when the connection or the server is gone, and misses nothing. Ctrl-C ends it.\nWith --json a line for each change, with the message as it stands; it is new where `seq` is its `id`.",
  example: "npx parley tail general --last 5\nnpx parley tail general --json | jq .message.text",
  words: { room: roomWord },
  options: {
    last: {
      text: "how many messages to begin with, 0 to 200; 20 unless said",
      value: "number",
      schema: count(0, 200).default(20),
    },
    as: asOption,
  },
  async run({ room, last, as: user }, context) {
    whenReaderLeaves(() => process.exit());
    const client = await open({ room, user, rights: ["read"] }, context);
    try {
      await follow(client, room, last, context);
    } finally {
      leave(client);
    }
  },
});

/** Until it is interrupted. Rejects when the server says not to come back. */
async function follow(client: Client, name: string, last: number, { terminal, json }: Context): Promise<void> {
  const room = client.room(name, { backlog: last, presence: "none" });
  const follower = new Follower((news) => tell(news, terminal, json));
  const ending = new AbortController();
  client.on(
    "state",
    watch(terminal, (error) => ending.abort(error)),
  );
  room.on("message", (message) => follower.take(message));
  room.on("gap", ({ reason }) => {
    const isOther = reason === "epoch" || reason === "ahead";
    tellGap(name, isOther ? null : follower.newest, reason, terminal);
    if (json) terminal.json({ type: "gap", reason });
    if (isOther) follower.forget();
  });
  room.subscribe((snapshot: RoomSnapshot) => {
    if (snapshot.status === "failed") ending.abort(snapshot.error);
    else follower.look(snapshot);
  });
  await interrupted(ending.signal);
}

function tell({ message, before }: News, terminal: Terminal, json: boolean): void {
  if (json) terminal.json({ type: "message", message });
  else if (before !== null) tellChange(terminal, before, message);
  // A text that still grows is told when it is whole.
  else if (message.status !== "streaming") tellMessage(terminal, message);
}

function tellGap(room: string, newest: number | null, reason: string, terminal: Terminal): void {
  const missed =
    newest === null
      ? "the room has another history now, which begins here"
      : `something may be missing here: parley history ${room} --after ${newest}`;
  terminal.note(styled("yellow", `gap (${reason}): `), missed);
}

/** How the connection stands, for who looks on. */
function watch(terminal: Terminal, fail: (error: unknown) => void): (state: ConnectionState) => void {
  let isLost = false;
  return (state) => {
    if (state.name === "failed") return fail(state.error);
    if (state.name === "connected" && isLost) terminal.note(styled("dim", "connected again"));
    if (state.name === "connected") isLost = false;
    if ((state.name !== "waiting" && state.name !== "offline") || isLost) return;
    isLost = true;
    const inMs = Math.max(0, state.retryAtMs - Date.now());
    terminal.note(styled("dim", `${state.error.message} Trying again in ${span(inMs)}, until it is back.`));
  };
}
