/** Node as a scenario's ground. It can do what k6 cannot: cut a connection without a word. */
import type { Socket } from "node:net";
import { bytes, newSocket } from "../bench/socket.ts";
import { listen } from "./nodeStream.ts";
import {
  type Answer,
  type Ear,
  type Ground,
  type Line,
  placesOf,
  type Question,
  type Scenario,
  type StreamEar,
} from "./scenarios/ground.ts";
import type { Tally } from "./tally.ts";

const answerMs = 60_000;

export interface Whom {
  readonly url: string;
  readonly key: string;
}

/** All places of it, at once. */
export async function playInNode(scenario: Scenario, { url, key }: Whom, tally: Tally): Promise<void> {
  const sinceMs = Date.now();
  const { sizes } = scenario;
  const meeting = new Meeting(placesOf(sizes));
  const common = {
    url,
    key,
    sizes,
    sinceMs,
    ask: (question: Question) => ask({ url, key }, question, tally),
    hearsAsItComes: true,
    listen: (question: Question, ear: StreamEar) => listen(url, question, ear, tally),
    connect,
    check: tally.check.bind(tally),
    add: tally.add.bind(tally),
    meet: meeting.meet.bind(meeting),
    after,
  };
  await Promise.all(
    Array.from({ length: placesOf(sizes) }, (_, place) => playPlace(scenario, { ...common, place }, tally)),
  );
}

/** All places in one spot: each meeting ends when the last of them has come. */
class Meeting {
  readonly #places: number;
  #here: (() => void)[] = [];

  constructor(places: number) {
    this.#places = places;
  }

  async meet(byMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = after(Math.max(0, byMs - Date.now()), resolve);
    this.#here.push(resolve);
    if (this.#here.length === this.#places) for (const go of this.#here.splice(0)) go();
    await promise;
    cancel();
  }
}

async function playPlace(scenario: Scenario, ground: Ground, tally: Tally): Promise<void> {
  const promise = "it was played to its end";
  try {
    await scenario.play(ground);
    tally.check(promise, true);
  } catch (error) {
    console.error(String(error));
    tally.check(promise, false);
  }
}

async function ask({ url }: Whom, { method, path, bearer, headers, body }: Question, tally: Tally): Promise<Answer> {
  const sinceMs = performance.now();
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...headers,
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(answerMs),
  })
    .then(async (response) => ({
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: await response.text(),
    }))
    .catch(() => ({ status: 0, headers: {}, body: "" }));
  tally.request(answer.status, performance.now() - sinceMs);
  return answer;
}

function connect(url: string, protocols: readonly string[], ear: Ear): Line {
  const socket = newSocket(url, [...protocols]);
  let tcp: Socket | undefined;
  socket.on("upgrade", (response) => (tcp = response.socket));
  socket.on("open", ear.opened);
  socket.on("message", (data) => ear.heard(bytes(data).toString()));
  // A refused handshake closes, too.
  socket.on("error", () => undefined);
  socket.on("close", ear.closed);
  return {
    send: (text) => socket.readyState === socket.OPEN && socket.send(text),
    leave: () => socket.close(),
    // TCP's RST.
    drop: () => (tcp === undefined ? socket.terminate() : tcp.resetAndDestroy()),
  };
}

function after(ms: number, call: () => void): () => void {
  const timer = setTimeout(call, ms);
  return () => clearTimeout(timer);
}
