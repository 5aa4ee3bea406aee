/** One message as a stream of events. The Worker ends it; the room feeds it by a socket that hears of nothing else. */
import { closingFrame } from "../../protocol/farewell.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import {
  formatTextPosition,
  ListeningFrame,
  TextDelta,
  TextEnd,
  type TextPosition,
  TextSnapshot,
} from "../../protocol/messageStream.ts";
import { type Refusal, type RefusalCode, refusals } from "../../protocol/refusals.ts";
import { type Ended, endedBy } from "../../objects/journal.ts";
import { ClosingFrame } from "../../protocol/serverFrames.ts";
import { EventStream, goneBy, type ServerSentEvent } from "./eventStream.ts";
import { dismiss, Feed } from "./feed.ts";
import { typeOf, withoutType } from "./line.ts";
import { Tenure, type TenureOptions } from "./tenure.ts";

export interface MessageStreamOptions extends Pick<
  TenureOptions,
  "connection" | "life" | "expiresAtMs" | "nowMs" | "chance"
> {
  /** What is said before all else. */
  readonly preface?: readonly ServerSentEvent[];
}

export class MessageStream {
  readonly #stream: EventStream;
  readonly #tenure: Tenure;
  #feed: Feed | null = null;
  #message = 0;
  /** Of the text as the reader has it. */
  #length = 0;
  #vanishing: ReturnType<typeof setTimeout> | null = null;
  #isOver = false;

  constructor({ preface = [], ...tenure }: MessageStreamOptions) {
    this.#stream = new EventStream({
      retryMs: Math.round(fixedLimits.streamRetryMs * (0.5 + tenure.chance)),
      traffic: tenure.life.traffic,
      onGone: (why) => this.#release(goneBy(why)),
      onDrained: () => undefined,
    });
    this.#stream.send(preface);
    this.#tenure = new Tenure({
      ...tenure,
      onBeat: () => this.#beat(),
      onExpiring: ({ type, ...notice }) => this.#stream.send([{ name: type, data: JSON.stringify(notice) }]),
      onEnd: (...why) => this.#close(...why),
    });
  }

  /** Tells how a message goes on of whose text the reader has so much: once, and at once or later. */
  follow(socket: WebSocket, { message, at }: { readonly message: number; readonly at: number }): void {
    if (this.#isOver) return dismiss(socket);
    this.#message = message;
    this.#length = at;
    this.#feed = new Feed(socket, {
      onLines: (lines) => this.#pass(lines),
      onEnd: () => this.#close("restarting"),
    });
  }

  /** There is nothing to be told. */
  refuse({ error, detail }: Refusal): void {
    this.#close(error, detail);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get response(): Response {
    return this.#stream.response;
  }

  #pass(lines: readonly string[]): void {
    for (const line of lines) if (!this.#isOver) this.#tell(line);
    if (!this.#isOver) this.#tenure.countFrames(lines.length);
  }

  #tell(line: string): void {
    const name = typeOf(line);
    switch (name) {
      case "listening":
        return this.#watchExpiry(ListeningFrame.parse(JSON.parse(line)).expiresAt);
      case "snapshot": {
        const snapshot = TextSnapshot.parse(JSON.parse(line));
        this.#length = snapshot.text.length;
        return this.#say(name, snapshot, this.#length);
      }
      case "delta":
        return this.#grow(TextDelta.parse(JSON.parse(line)));
      case "end":
        this.#say(name, TextEnd.parse(JSON.parse(line)), "end");
        return this.#end({ by: "server", close: 1000 });
      case "closing":
        this.#stream.send([{ name, data: withoutType(line) }]);
        return this.#end({ by: "server", close: ClosingFrame.parse(JSON.parse(line)).code });
      default:
      // What the room tells each of its sockets, whatever that came for.
    }
  }

  /**
   * What was gathered while the reader was told the whole text so far is in that already. Where the room has lost a part of the text
   * the reader comes back, and is told it anew: an event only adds.
   */
  #grow({ id, at, text }: TextDelta): void {
    if (at > this.#length || at + text.length < this.#length) return this.#close("resync");
    const rest = text.slice(this.#length - at);
    if (rest === "") return;
    const delta = { id, at: this.#length, text: rest };
    this.#length += rest.length;
    this.#say("delta", delta, this.#length);
  }

  #say(name: string, data: object, position: TextPosition): void {
    this.#stream.send([{ name, data: JSON.stringify(data), id: formatTextPosition(this.#message, position) }]);
  }

  /** The room tells nobody that a message expires: readers know. */
  #watchExpiry(expiresAtMs: number | null): void {
    const leftMs = expiresAtMs === null ? Infinity : expiresAtMs - Date.now();
    if (leftMs > fixedLimits.heldMsMax) return;
    this.#vanishing = setTimeout(() => this.#close("not_found", "The message has expired."), Math.max(0, leftMs));
  }

  #beat(): void {
    this.#stream.beat();
    this.#feed?.ping();
  }

  #close(error: RefusalCode, reason: string = refusals[error].text): void {
    if (this.#isOver) return;
    const { type: name, ...data } = closingFrame(error, reason);
    this.#stream.send([{ name, data: JSON.stringify(data) }]);
    this.#end(endedBy(error));
  }

  #end(ended: Ended): void {
    this.#stream.end();
    this.#release(ended);
  }

  #release(ended: Ended): void {
    this.#isOver = true;
    if (this.#vanishing !== null) clearTimeout(this.#vanishing);
    this.#tenure.release(ended);
    this.#feed?.close();
  }
}
