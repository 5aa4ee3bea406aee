/** Readers with an event stream each, of one room. What comes is only cut into events: reading it must cost the generator little. */
import { Agent, type ClientRequest, get, type IncomingMessage } from "node:http";
import type { Audience, Listener } from "./audience.ts";
import { placeOf } from "./audience.ts";
import { nowUs } from "./clock.ts";
import { inGroups, withinLimit } from "./socket.ts";
import type { Target } from "./target.ts";

const OPENING_AT_ONCE = 20;
const OPEN_WITHIN_MS = 15_000;
const EVENT_END = Buffer.from("\n\n");

export class EventAudience implements Audience {
  readonly places: number;
  readonly closed: string[] = [];
  readonly #requests: ClientRequest[] = [];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  #listener: Listener = () => {};
  #dismissed = false;

  private constructor(places: number) {
    this.places = places;
  }

  /** Resolves once every stream has its room's first changes. */
  static async gather(target: Target, rooms: readonly string[], perRoom: number): Promise<EventAudience> {
    const audience = new EventAudience(rooms.length * perRoom);
    for (const [index, room] of rooms.entries()) {
      await inGroups(perRoom, OPENING_AT_ONCE, (reader) =>
        audience.#open(target, room, placeOf(index, perRoom, reader)),
      );
    }
    return audience;
  }

  get connections(): number {
    return this.places;
  }

  listen(listener: Listener): void {
    this.#listener = listener;
  }

  async dismiss(): Promise<void> {
    this.#dismissed = true;
    for (const request of this.#requests) request.destroy();
    this.#agent.destroy();
  }

  #open(target: Target, room: string, place: number): Promise<void> {
    const url = `${target.base}/v1/rooms/${room}/events`;
    const token = target.tokens[place % target.tokens.length] ?? "";
    const headers = { accept: "text/event-stream", authorization: `Bearer ${token}` };
    const joined = new Promise<void>((resolve, reject) => {
      const request = get(url, { agent: this.#agent, headers }, (response) => {
        if (response.statusCode === 200) this.#read(response, place, resolve);
        else void refusalOf(response).then(reject);
      });
      request.on("error", (error) => {
        reject(error);
        this.#note(error.message);
      });
      this.#requests[place] = request;
    });
    return withinLimit(joined, OPEN_WITHIN_MS, `stream ${place} of ${url} did not begin`);
  }

  #read(response: IncomingMessage, place: number, begun: () => void): void {
    let rest: Buffer | null = null;
    let joined = false;
    response.on("data", (chunk: Buffer) => {
      const readUs = nowUs();
      const text: Buffer = rest === null ? chunk : Buffer.concat([rest, chunk]);
      let from = 0;
      for (let end = text.indexOf(EVENT_END); end !== -1; end = text.indexOf(EVENT_END, from)) {
        const event = text.subarray(from, end);
        from = end + EVENT_END.length;
        if (joined) this.#listener(event, place, readUs);
        else if (event.includes('"reset":true')) {
          joined = true;
          begun();
        }
      }
      rest = from === text.length ? null : text.subarray(from);
    });
    response.on("error", (error) => this.#note(error.message));
    response.on("end", () => this.#note("ended"));
  }

  #note(why: string): void {
    if (!this.#dismissed) this.closed.push(why);
  }
}

async function refusalOf(response: IncomingMessage): Promise<Error> {
  response.setEncoding("utf8");
  const body = (await response.toArray()).join("");
  return new Error(`a stream was refused: ${response.statusCode} ${body.slice(0, 300)}`);
}
