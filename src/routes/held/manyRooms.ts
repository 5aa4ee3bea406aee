/** A client's WebSocket for many rooms: the Worker holds it, and a socket of each room that was joined. */
import pLimit from "p-limit";
import { answerableCode, goneAtMs, type Offences, offend } from "../../core/closing.ts";
import { type ConnectionFrame, decodeAddressed, type Letter } from "../../protocol/addressed.ts";
import type { JoinFrame, LeaveFrame } from "../../protocol/clientFrames.ts";
import { closingFrame, errorFrame } from "../../protocol/farewell.ts";
import { fixedLimits, tenantLimits } from "../../protocol/limits.ts";
import { type Refusal, type RefusalCode, refusals, refuse } from "../../protocol/refusals.ts";
import type { ServerFrame } from "../../protocol/serverFrames.ts";
import { Feed } from "./feed.ts";
import { inRoom, typeOf } from "./line.ts";
import { Tenure, type TenureOptions } from "./tenure.ts";

export interface ManyRoomsOptions extends Pick<TenureOptions, "connection" | "expiresAtMs" | "nowMs"> {
  /** Asks a room to let the client in, with what the credential allows there now. */
  readonly enter: (frame: JoinFrame) => Promise<{ readonly ok: true; readonly socket: WebSocket } | Refusal>;
}

interface Joined {
  readonly room: string;
  /** Null while the room is being joined. */
  feed: Feed | null;
  /** What was sent to it until then. */
  readonly waiting: string[];
  offences: Offences;
}

const slowCheckUnits = 65_536;
const tooManyRefused = "Too many refused frames.";

export class ManyRooms {
  readonly #client: WebSocket;
  readonly #enter: ManyRoomsOptions["enter"];
  readonly #tenure: Tenure;
  readonly #rooms = new Map<string, Joined>();
  /** The platform opens six connections at a time for one request, and lets the others wait. */
  readonly #turns = pLimit(fixedLimits.joinsAtOnce);
  #open = true;
  /** Of what was meant for no room that is joined. */
  readonly #record: { offences: Offences } = { offences: [] };
  #sentUnits = 0;
  #pingedAtMs: number | null = null;
  #seenAtMs: number;

  constructor(client: WebSocket, { enter, ...tenure }: ManyRoomsOptions) {
    this.#client = client;
    this.#enter = enter;
    this.#seenAtMs = tenure.nowMs;
    this.#tenure = new Tenure({
      ...tenure,
      onBeat: () => this.#beat(Date.now()),
      onEnd: (error, reason) => this.#end(error, reason),
    });
    client.addEventListener("message", ({ data }) => this.#receive(data, Date.now()));
    client.addEventListener("close", ({ code }) => this.#leaveAll(answerableCode(code)));
    client.addEventListener("error", () => this.#leaveAll(1000));
    client.accept();
  }

  // From the client.

  #receive(raw: string | ArrayBuffer, nowMs: number): void {
    if (!this.#open) return;
    this.#seenAtMs = nowMs;
    const frames = decodeAddressed(raw, tenantLimits.frameBytes.ceiling);
    this.#tenure.countFrames(frames.length);
    const letters: Letter[] = [];
    for (const decoded of frames) {
      if (decoded.ok && "json" in decoded) {
        letters.push(decoded);
        continue;
      }
      // In the order in which they were sent: a room is left when it has what was said to it before.
      this.#deliver(letters.splice(0), nowMs);
      if (decoded.ok) this.#handle(decoded.frame, decoded.room, nowMs);
      else this.#refuse(decoded, decoded.ref, decoded.room, nowMs);
    }
    this.#deliver(letters, nowMs);
  }

  #handle(frame: ConnectionFrame, room: string | undefined, nowMs: number): void {
    switch (frame.type) {
      case "join":
        return this.#join(frame, nowMs);
      case "leave":
        return this.#leave(frame, nowMs);
      case "ping":
        this.#pingedAtMs = nowMs;
        return this.#tell({ type: "pong" }, room);
    }
  }

  #join(frame: JoinFrame, nowMs: number): void {
    const { room, ref } = frame;
    const refused = this.#rooms.has(room)
      ? refuse("conflict", "This connection has joined the room already.")
      : this.#rooms.size >= fixedLimits.roomsPerConnection
        ? refuse("connection_limit", `At most ${fixedLimits.roomsPerConnection} rooms on a connection.`)
        : null;
    if (refused !== null) return this.#refuse(refused, ref, room, nowMs);
    const joined: Joined = { room, feed: null, waiting: [], offences: [] };
    this.#rooms.set(room, joined);
    void this.#turns(() => this.#admit(joined, frame));
  }

  async #admit(joined: Joined, frame: JoinFrame): Promise<void> {
    // Left again while it waited for its turn.
    if (!this.#isWanted(joined)) return;
    try {
      this.#entered(joined, frame, await this.#enter(frame));
    } catch (error) {
      console.error("a room could not be joined", error);
      this.#entered(joined, frame, refuse("internal"));
    }
    this.#tenure.countJoin();
  }

  #entered(joined: Joined, { ref }: JoinFrame, entered: Awaited<ReturnType<ManyRoomsOptions["enter"]>>): void {
    const { room, waiting } = joined;
    const wanted = this.#isWanted(joined);
    if (!entered.ok) {
      if (!wanted) return;
      this.#rooms.delete(room);
      // No offence: whoever comes back after a long absence cannot know which of his rooms are left.
      return this.#tell(errorFrame(entered, ref), room);
    }
    const feed = new Feed(entered.socket, {
      onLines: (lines) => this.#pass(joined, lines),
      onEnd: () => this.#lose(joined),
    });
    // The client has left the room, or has gone, while it was being joined.
    if (!wanted) return feed.close();
    joined.feed = feed;
    if (ref !== undefined) this.#tell({ type: "ack", ref }, room);
    if (waiting.length > 0) feed.send(together(waiting));
    waiting.length = 0;
  }

  #isWanted(joined: Joined): boolean {
    return this.#open && this.#rooms.get(joined.room) === joined;
  }

  #leave({ room, ref }: LeaveFrame, nowMs: number): void {
    const joined = this.#rooms.get(room);
    if (joined === undefined) return this.#refuse(notJoined(), ref, room, nowMs);
    this.#rooms.delete(room);
    joined.feed?.close();
    // Nothing more of the room comes after this.
    if (ref !== undefined) this.#tell({ type: "ack", ref }, room);
  }

  /** What goes to the same room goes together, as it came. */
  #deliver(letters: readonly Letter[], nowMs: number): void {
    for (const [room, mail] of Map.groupBy(letters, (letter) => letter.room)) {
      const joined = this.#rooms.get(room);
      const refused =
        joined === undefined
          ? notJoined()
          : joined.feed === null && joined.waiting.length + mail.length > fixedLimits.framesWhileJoining
            ? refuse("overloaded", "The room is still being joined.", { retryAfterMs: 1_000 })
            : null;
      if (refused !== null) for (const { ref } of mail) this.#refuse(refused, ref, room, nowMs);
      else if (joined?.feed === null) joined.waiting.push(...mail.map(({ json }) => json));
      else joined?.feed?.send(together(mail.map(({ json }) => json)));
    }
  }

  // To the client.

  /** The room's frames as they are, each with its address in front. */
  #pass(joined: Joined, lines: readonly string[]): void {
    this.#send(together(lines.map((line) => inRoom(line, joined.room))));
    this.#tenure.countFrames(lines.length);
    // It has said farewell: what is sent to it from now on is refused, until it is joined again.
    if (lines.some((line) => typeOf(line) === "closing") && this.#isWanted(joined)) {
      this.#rooms.delete(joined.room);
      joined.feed?.close();
    }
  }

  /** Without a farewell: the room has lost this socket, not the client its right. */
  #lose(joined: Joined): void {
    if (!this.#isWanted(joined)) return;
    this.#rooms.delete(joined.room);
    this.#tell(closingFrame("restarting", refusals.restarting.text), joined.room);
  }

  #refuse(refusal: Refusal, ref: string | undefined, room: string | undefined, nowMs: number): void {
    if (!this.#open) return;
    this.#tell(errorFrame(refusal, ref), room);
    // What was meant for a room is held against that room's place alone.
    const joined = room === undefined ? undefined : this.#rooms.get(room);
    const record = joined ?? this.#record;
    const { tooMany, offences } = offend(record.offences, nowMs);
    record.offences = offences;
    if (!tooMany) return;
    if (joined === undefined) return this.#end("rate_limited", tooManyRefused);
    this.#rooms.delete(joined.room);
    joined.feed?.close();
    this.#tell(closingFrame("rate_limited", tooManyRefused), joined.room);
  }

  #tell(frame: ServerFrame, room: string | undefined): void {
    const line = JSON.stringify(frame);
    this.#send(room === undefined ? line : inRoom(line, room));
  }

  #send(text: string): void {
    if (!this.#open) return;
    try {
      this.#client.send(text);
    } catch {
      return this.#leaveAll(1000);
    }
    this.#sentUnits += text.length;
    if (this.#sentUnits < slowCheckUnits) return;
    this.#sentUnits = 0;
    // Without a bound of its own it would grow until the Worker is out of memory.
    if ((this.#client.bufferedAmount ?? 0) > fixedLimits.slowConsumerBytes) this.#end("slow_consumer");
  }

  // How it ends.

  #beat(nowMs: number): void {
    if (goneAtMs({ pingedAtMs: this.#pingedAtMs, seenAtMs: this.#seenAtMs }) <= nowMs)
      return this.#end("restarting", "Nothing was heard of this connection for too long.");
    for (const { feed } of this.#rooms.values()) feed?.ping();
  }

  #end(error: RefusalCode, reason: string = refusals[error].text): void {
    if (!this.#open) return;
    const closing = closingFrame(error, reason);
    try {
      this.#client.send(JSON.stringify(closing));
    } catch {
      // It has gone already.
    }
    this.#leaveAll(closing.code, error);
  }

  #leaveAll(code: number, reason?: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#tenure.release();
    for (const { feed } of this.#rooms.values()) feed?.close();
    this.#rooms.clear();
    try {
      this.#client.close(code, reason);
    } catch {
      // It is closed already.
    }
  }
}

function notJoined(): Refusal {
  return refuse("bad_frame", "This connection has not joined the room: send `join` first.");
}

/** One frame as it is, several as a JSON array. */
function together(frames: readonly string[]): string {
  const [first = "[]"] = frames;
  return frames.length === 1 ? first : `[${frames.join(",")}]`;
}
