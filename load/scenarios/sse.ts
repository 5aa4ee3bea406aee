/**
 * A reader of an event stream which the server ends again and again, and which goes on by `Last-Event-ID`. k6 tells a body only
 * when it has ended, so each stream is looked at as a whole, after a moderator has ended it: what came and in which order, not when.
 */
import { call, stateOf, tokenOf } from "./call.ts";
import { type Answer, delay, type Ground, isOver, roomOf, type Scenario } from "./ground.ts";
import { held } from "./thresholds.ts";

const messages = 5;
/** Twice as many messages as that in each turn, and a user may say ten a second. */
const turnMs = 1_200;
const lookMs = 50;
const looks = 200;

export const sse: Scenario = {
  sizes: { users: 10, perPlace: 1, seconds: 60 },
  thresholds: { ...held, parley_heard: ["count>0"], parley_resumed: ["count>0"] },
  play,
};

interface Event {
  readonly id: string | null;
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

async function play(ground: Ground): Promise<void> {
  const user = `u_${ground.place}`;
  const room = `${roomOf(ground, "sse")}-${ground.place}`;
  const token = await tokenOf(ground, user);
  let lastId: string | null = null;
  let heard = 0;
  let said = 0;
  const say = async (): Promise<void> => {
    for (let count = 0; count < messages; count++, said++)
      await call(ground, { method: "POST", path: `/v1/rooms/${room}/messages`, body: { text: "to a stream" } });
  };
  for (let turn = 0; turn === 0 || !isOver(ground); turn++) {
    // Some of it is said while nobody listens.
    await say();
    const stream: Promise<Answer> = ground.ask({
      method: "GET",
      path: `/v1/rooms/${room}/events?presence=none&backlog=50`,
      bearer: token,
      ...(lastId === null ? {} : { headers: { "last-event-id": lastId } }),
    });
    await untilOnline(ground, room, 1);
    await say();
    await call(ground, { method: "POST", path: `/v1/rooms/${room}/kicks`, body: { user, reason: "enough for now" } });
    const read = checkStream(ground, await stream, lastId);
    heard += read.heard;
    lastId = read.lastId;
    await untilOnline(ground, room, 0);
    await delay(ground, turnMs);
  }
  ground.add("parley_missing", said - heard);
}

async function untilOnline(ground: Ground, room: string, online: number): Promise<void> {
  for (let look = 0; look < looks; look++) {
    if ((await stateOf(ground, room)).online === online) return;
    await delay(ground, lookMs);
  }
  throw new Error(`the room does not say that ${online} are online`);
}

function checkStream(ground: Ground, answer: Answer, cursor: string | null): { heard: number; lastId: string | null } {
  const type = answer.headers["content-type"];
  ground.check("a stream is one of events", answer.status === 200 && type === "text/event-stream; charset=utf-8");
  const [welcome, ...events] = eventsOf(answer.body);
  const isResumed = welcome?.data["resumed"] === true;
  ground.check("a stream begins with a welcome", welcome?.event === "welcome");
  if (cursor !== null) ground.check("Last-Event-ID is resumed", isResumed);
  if (isResumed) ground.add("parley_resumed", 1);
  const closing = events.at(-1);
  ground.check("a stream that is ended says why", closing?.event === "closing" && closing.data["code"] === 4503);
  const epoch = String(welcome?.data["epoch"]);
  let at = Number(cursor?.split(":")[1] ?? 0);
  let heard = 0;
  for (const { id, event, data } of events) {
    if (event !== "changes") {
      ground.check("only changes have an id", id === null);
      continue;
    }
    const { from, to, changes } = data as { from: number; to: number; changes: readonly unknown[] };
    ground.check("events follow one another", from <= at && to >= at);
    ground.check("the id of an event is its cursor", id === `${epoch}:${to}`);
    heard += changes.length;
    at = to;
  }
  ground.add("parley_heard", heard);
  return { heard, lastId: `${epoch}:${at}` };
}

function eventsOf(body: string): Event[] {
  return body.split("\n\n").flatMap((block) => {
    const fields = new Map(block.split("\n").map((line) => [line.split(":")[0] ?? "", line.replace(/^[^:]*: ?/, "")]));
    const [event, data] = [fields.get("event"), fields.get("data")];
    if (event === undefined || data === undefined) return [];
    return [{ id: fields.get("id") ?? null, event, data: JSON.parse(data) as Event["data"] }];
  });
}
