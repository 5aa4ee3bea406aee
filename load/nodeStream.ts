/** A stream of events, read as it comes. */
import type { IncomingHttpHeaders } from "node:http";
import { type EventStream, openEventStream } from "../test/support/eventStream.ts";
import type { Question, Stream, StreamEar } from "./scenarios/ground.ts";
import type { Tally } from "./tally.ts";

export function listen(url: string, { path, bearer, headers }: Question, ear: StreamEar, tally: Tally): Stream {
  const stream = new NodeStream(ear, tally);
  const authorization = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  void stream.read(`${url}${path}`, { ...headers, ...authorization });
  return stream;
}

class NodeStream implements Stream {
  readonly #ear: StreamEar;
  readonly #tally: Tally;
  #events: EventStream | null = null;
  #isCut = false;

  constructor(ear: StreamEar, tally: Tally) {
    this.#ear = ear;
    this.#tally = tally;
  }

  cut(): void {
    this.#isCut = true;
    this.#events?.cut();
  }

  async read(address: string, headers: Readonly<Record<string, string>>): Promise<void> {
    const sinceMs = performance.now();
    const opened = await openEventStream(address, { headers }).catch(() => null);
    const head = opened?.ok === true ? { status: 200, headers: opened.stream.headers } : opened;
    this.#tally.request(head?.status ?? 0, performance.now() - sinceMs);
    if (this.#isCut) return opened?.ok === true ? opened.stream.cut() : undefined;
    if (head !== null) this.#ear.opened({ status: head.status, headers: single(head.headers) });
    if (opened?.ok !== true) return this.#ear.closed(0);
    const { stream } = opened;
    this.#events = stream;
    stream.onEvent = ({ type, id, data }) => this.#ear.event({ name: type, id: id ?? null, data });
    stream.onComment = this.#ear.beat;
    if ((await stream.ended) !== "us") this.#ear.closed(stream.faults.length);
  }
}

function single(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
