/** One room, or several, as a stream of events. The Worker ends it; each room feeds it by a socket and sleeps meanwhile. */
import { formatCursor } from "../../protocol/cursor.ts";
import { closingFrame, errorFrame } from "../../protocol/farewell.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, type RefusalCode, refusals } from "../../protocol/refusals.ts";
import { ClosingFrame, type ServerFrame, WelcomeFrame } from "../../protocol/serverFrames.ts";
import { type Ended, endedBy } from "../../objects/journal.ts";
import { endingIn } from "./ending.ts";
import { EventStream, goneBy, type ServerSentEvent } from "./eventStream.ts";
import { dismiss, Feed } from "./feed.ts";
import { inRoom, positionAfter, typeOf, withoutType } from "./line.ts";
import { Tenure, type TenureOptions } from "./tenure.ts";

/** A room that was entered, or that refused. */
export interface Source {
  readonly room: string;
  /** Where the reader stood; null at a first time. */
  readonly cursor: string | null;
  readonly entered: { readonly ok: true; readonly socket: WebSocket } | Refusal;
}

export interface RoomStreamOptions extends Pick<
  TenureOptions,
  "connection" | "life" | "expiresAtMs" | "nowMs" | "chance"
> {
  /** Whether each event names its room. */
  readonly named: boolean;
}

interface Playing {
  readonly room: string;
  /** What the event's id says of this room; empty before anything is known. */
  cursor: string;
  epoch: string;
  feed: Feed | null;
  /** The room said farewell, and whether its reader may come back. */
  farewell: { readonly mayReturn: boolean; readonly code: number } | null;
}

export class RoomStream {
  readonly #named: boolean;
  readonly #stream: EventStream;
  readonly #tenure: Tenure;
  readonly #rooms: readonly Playing[];
  /** Rooms whose sockets wait to be listened to. */
  readonly #entered: { readonly playing: Playing; readonly socket: WebSocket }[] = [];

  constructor(sources: readonly Source[], { named, ...tenure }: RoomStreamOptions) {
    this.#named = named;
    const retryMs = Math.round(fixedLimits.streamRetryMs * (0.5 + tenure.chance));
    this.#stream = new EventStream({
      retryMs,
      traffic: tenure.life.traffic,
      onGone: (why) => this.#release(goneBy(why)),
      onDrained: () => this.#listenToNext(),
    });
    this.#tenure = new Tenure({
      ...tenure,
      onBeat: () => this.#beat(),
      onExpiring: (notice) => this.#tell(null, "token", notice),
      onEnd: (...why) => this.#end(...why),
    });
    this.#rooms = sources.map(({ room, cursor }) => ({
      room,
      cursor: cursor ?? "",
      epoch: "",
      feed: null,
      farewell: null,
    }));
    sources.forEach(({ entered }, index) => {
      const playing = this.#rooms[index];
      if (playing === undefined) return;
      if (entered.ok) this.#entered.push({ playing, socket: entered.socket });
      // Not named `error`: that event is the browser's own, and says that the connection broke.
      else this.#tell(playing.room, "refused", errorFrame(entered, undefined));
    });
  }

  get response(): Response {
    return this.#stream.response;
  }

  /** One after the other, each when the reader has taken what came before: twenty replays at once are more than may wait. */
  #listenToNext(): void {
    const next = this.#entered.shift();
    if (next === undefined) return;
    const { playing, socket } = next;
    playing.feed = new Feed(socket, {
      onLines: (lines) => this.#pass(playing, lines),
      onEnd: () => this.#lose(playing),
    });
  }

  #pass(playing: Playing, lines: readonly string[]): void {
    const ending = endingIn(lines);
    this.#stream.send((ending?.before ?? lines).map((line) => this.#eventOf(playing, line)));
    this.#tenure.countFrames(lines.length);
    if (ending !== null) this.#end(ending.error, ending.reason);
  }

  #eventOf(playing: Playing, line: string): ServerSentEvent {
    const name = typeOf(line);
    const data = this.#dataOf(playing.room, line);
    if (name === "welcome") playing.epoch = WelcomeFrame.pick({ epoch: true }).parse(JSON.parse(line)).epoch;
    if (name === "closing") {
      const { reconnect, code } = ClosingFrame.parse(JSON.parse(line));
      playing.farewell = { mayReturn: reconnect !== "never", code };
    }
    // Nothing else has an id: a cut before the backlog arrived must not move the browser's.
    if (name !== "changes") return { name, data };
    playing.cursor = formatCursor({ epoch: playing.epoch, seq: positionAfter(line) });
    return { name, data, id: this.#rooms.map(({ cursor }) => cursor).join(",") };
  }

  /** One room whose reader must not come back leaves the others alone. After any other end the whole stream comes back. */
  #lose(playing: Playing): void {
    playing.feed = null;
    const farewell = playing.farewell;
    const othersLast = this.#entered.length > 0 || this.#rooms.some(({ feed }) => feed !== null);
    if (farewell?.mayReturn === false && othersLast) return;
    if (farewell === null) return this.#end("restarting");
    this.#stream.end();
    this.#release({ by: "server", close: farewell.code });
  }

  #beat(): void {
    this.#stream.beat();
    for (const { feed } of this.#rooms) feed?.ping();
  }

  #end(error: RefusalCode, reason: string = refusals[error].text): void {
    this.#tell(null, "closing", closingFrame(error, reason));
    this.#stream.end();
    this.#release(endedBy(error));
  }

  /** Of a room, or with null of the whole stream. */
  #tell(room: string | null, name: string, frame: ServerFrame): void {
    const line = JSON.stringify(frame);
    this.#stream.send([{ name, data: room === null ? withoutType(line) : this.#dataOf(room, line) }]);
  }

  #dataOf(room: string, line: string): string {
    return withoutType(this.#named ? inRoom(line, room) : line);
  }

  #release(ended: Ended): void {
    this.#tenure.release(ended);
    for (const { feed } of this.#rooms) feed?.close();
    for (const { socket } of this.#entered.splice(0)) dismiss(socket);
  }
}
