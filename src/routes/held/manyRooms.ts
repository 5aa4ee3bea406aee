/** A client's WebSocket for many rooms: the Worker holds it, and a socket of each room that was joined. */
import pLimit from "p-limit";
import { type Allowance, type Rate, spend, tooFast } from "../../core/allowance.ts";
import { answerableCode, goneAtMs, type Offences, offend } from "../../core/closing.ts";
import { type Refreshes, refreshOnce } from "../../core/validity.ts";
import { type Identity, sessionIn } from "../../auth/identity.ts";
import { type ConnectionFrame, decodeAddressed, type Letter } from "../../protocol/addressed.ts";
import type { JoinFrame, LeaveFrame, TokenFrame } from "../../protocol/clientFrames.ts";
import { closingFrame, errorFrame } from "../../protocol/farewell.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { tenantLimits } from "../../protocol/limits/tenant.ts";
import { type Refusal, type RefusalCode, refusals, refuse } from "../../protocol/refusals.ts";
import type { ServerFrame } from "../../protocol/serverFrames.ts";
import type { Entered } from "../entrance.ts";
import { type Ended, endedBy, endedByClient, type Traffic } from "../../objects/journal.ts";
import { inRoom } from "./line.ts";
import { Membership, type MembershipEvents } from "./membership.ts";
import { Tenure, type TenureOptions } from "./tenure.ts";
import { Vigil, type VigilOptions } from "./vigil.ts";

export interface ManyRoomsOptions
  extends
    Pick<TenureOptions, "connection" | "life" | "expiresAtMs" | "nowMs" | "chance">,
    Pick<VigilOptions, "recheck" | "hasNews"> {
  /** For what is no room's own: joins, leaves, pings, and what is no frame. */
  readonly rate: Rate;
  /** The credential is a new token from now on; refused, it stays what it was. Never throws. */
  readonly replace: (token: string) => Promise<{ readonly ok: true; readonly identity: Identity } | Refusal>;
  /** Asks a room to let the client in, with what the credential allows there now. Never throws. */
  readonly enter: (frame: JoinFrame) => Promise<Entered>;
}

const slowCheckUnits = 65_536;
const lost: Ended = { by: "network", close: 1006 };
const tooManyRefused = "Too many refused frames.";

export class ManyRooms {
  readonly #client: WebSocket;
  readonly #enter: ManyRoomsOptions["enter"];
  readonly #replace: ManyRoomsOptions["replace"];
  readonly #rate: Rate;
  #allowance: Allowance | undefined;
  #refreshes: Refreshes = { underway: false, allowance: undefined };
  readonly #tenure: Tenure;
  readonly #vigil: Vigil;
  readonly #traffic: Traffic;
  readonly #rooms = new Map<string, Membership>();
  /** Of rooms that were left or refused: joined anew, they are entered when the room has forgotten the last time. */
  readonly #ending = new Map<string, Promise<void>>();
  /** The platform opens six connections at a time for one request, and lets the others wait. */
  readonly #turns = pLimit(fixedLimits.joinsAtOnce);
  /** Of what was meant for no room that is joined. */
  readonly #record: { offences: Offences } = { offences: [] };
  #open = true;
  /** It has another token than the one that it was opened with. */
  #isRenewed = false;
  #sentUnits = 0;
  #pingedAtMs: number | null = null;
  #seenAtMs: number;
  /** When it last had a room. */
  #usedAtMs: number;

  constructor(client: WebSocket, { enter, recheck, hasNews, replace, rate, ...tenure }: ManyRoomsOptions) {
    this.#client = client;
    this.#enter = enter;
    this.#replace = replace;
    this.#rate = rate;
    this.#traffic = tenure.life.traffic;
    this.#seenAtMs = tenure.nowMs;
    this.#usedAtMs = tenure.nowMs;
    this.#tenure = new Tenure({
      ...tenure,
      onBeat: () => this.#beat(Date.now()),
      onExpiring: (notice) => this.#tell(notice, undefined),
      onEnd: (error, reason) => this.#end(error, reason),
    });
    const onOver = ({ error, detail }: Refusal): void => this.#end(error, detail);
    this.#vigil = new Vigil({ recheck, hasNews, onOver });
    this.#vigil.keep(0);
    client.addEventListener("message", ({ data }) => this.#receive(data, Date.now()));
    client.addEventListener("close", ({ code }) => this.#leaveAll(endedByClient(code), answerableCode(code)));
    client.addEventListener("error", () => this.#leaveAll(lost, 1000));
    client.accept();
  }

  // From the client.

  #receive(raw: string | ArrayBuffer, nowMs: number): void {
    this.#seenAtMs = nowMs;
    this.#traffic.hear(typeof raw === "string" ? raw.length : raw.byteLength);
    const frames = decodeAddressed(raw, tenantLimits.frameBytes.ceiling);
    for (const decoded of frames) {
      if (!this.#open) return;
      // A room counts by itself what is said to it.
      if (decoded.ok && "json" in decoded) this.#deliver(decoded, nowMs);
      else if (!decoded.ok) this.#refuse(this.#tooFast(nowMs) ?? decoded, decoded.ref, decoded.room, nowMs);
      else this.#handle(decoded.frame, decoded.room, nowMs);
    }
    this.#tenure.countFrames(frames.length);
  }

  #handle(frame: ConnectionFrame, room: string | undefined, nowMs: number): void {
    const limited = this.#tooFast(nowMs);
    if (limited !== null) return this.#refuse(limited, frame.ref, room, nowMs);
    switch (frame.type) {
      case "join":
        return this.#join(frame, nowMs);
      case "leave":
        return this.#leave(frame, nowMs);
      case "token":
        return this.#refresh(frame, nowMs);
      case "ping":
        this.#pingedAtMs = nowMs;
        return this.#tell({ type: "pong" }, room);
    }
  }

  #tooFast(nowMs: number): Refusal | null {
    const spent = spend(this.#allowance, this.#rate, nowMs);
    if (spent.ok) this.#allowance = spent.allowance;
    if (spent.ok) return null;
    const detail = `At most ${this.#rate.perSecond} frames per second on a connection.`;
    return tooFast("socket", detail, this.#rate, spent.retryAfterMs);
  }

  #deliver(letter: Letter, nowMs: number): void {
    const refused = this.#rooms.has(letter.room) ? this.#rooms.get(letter.room)?.say(letter) : notJoined();
    if (refused) this.#refuse(refused, letter.ref, letter.room, nowMs);
  }

  #join(frame: JoinFrame, nowMs: number): void {
    const { room, ref } = frame;
    const refused = this.#rooms.has(room)
      ? refuse("conflict", "This connection has joined the room already.")
      : this.#rooms.size >= fixedLimits.roomsPerConnection
        ? refuse("connection_limit", `At most ${fixedLimits.roomsPerConnection} rooms on a connection.`)
        : null;
    if (refused !== null) return this.#refuse(refused, ref, room, nowMs);
    const membership = new Membership(frame, this.#events);
    const before = this.#ending.get(room);
    this.#rooms.set(room, membership);
    this.#vigil.keep(this.#rooms.size);
    void this.#turns(() => this.#admit(membership, frame, before));
  }

  async #admit(membership: Membership, frame: JoinFrame, before: Promise<void> | undefined): Promise<void> {
    await before;
    // A hundred replays at once would make a slow consumer of the fastest.
    while (this.#open && (this.#client.bufferedAmount ?? 0) > fixedLimits.heldDrainedBytes)
      await new Promise((resolve) => setTimeout(resolve, fixedLimits.drainPollMs));
    if (!membership.isWanted) return membership.forgo();
    membership.entered(await this.#enter(frame));
    this.#tenure.countJoin();
  }

  #leave({ room, ref }: LeaveFrame, nowMs: number): void {
    const membership = this.#rooms.get(room);
    if (membership === undefined) return this.#refuse(notJoined(), ref, room, nowMs);
    membership.leave();
    this.#forget(membership);
    // Nothing more of the room comes after this.
    if (ref !== undefined) this.#tell({ type: "ack", ref }, room);
  }

  #refresh({ token, ref }: TokenFrame, nowMs: number): void {
    const begun = refreshOnce(this.#refreshes, nowMs);
    if (!begun.ok) return this.#refuse(begun, ref, undefined, nowMs);
    this.#refreshes = begun.refreshes;
    void this.#replace(token).then((replaced) => {
      this.#refreshes = { ...this.#refreshes, underway: false };
      if (!this.#open) return;
      if (replaced.ok) this.#renew(replaced.identity, ref, Date.now());
      else this.#refuse(replaced, ref, undefined, Date.now());
    });
  }

  /** Each room hears it before anything that the client says to it from now on. */
  #renew(identity: Identity, ref: string | undefined, nowMs: number): void {
    this.#isRenewed = true;
    for (const membership of this.#rooms.values()) membership.renew(sessionIn(membership.room, identity, ""));
    const expiresAt = identity.token?.expiresAtMs ?? nowMs;
    this.#tenure.extend(expiresAt, nowMs);
    this.#tell({ type: "token", ...(ref === undefined ? {} : { ref }), expiresAt }, undefined);
  }

  #forget(membership: Membership): void {
    const { room, ended } = membership;
    if (this.#rooms.get(room) === membership) this.#rooms.delete(room);
    this.#vigil.keep(this.#rooms.size);
    this.#usedAtMs = Date.now();
    this.#ending.set(room, ended);
    void ended.then(() => {
      if (this.#ending.get(room) === ended) this.#ending.delete(room);
    });
  }

  // To the client.

  readonly #events: MembershipEvents = {
    // The room's frames as they are, each with its address in front.
    onLines: (room, lines) => {
      if (lines.length === 0) return;
      this.#send(together(lines.map((line) => inRoom(line, room))));
      this.#tenure.countFrames(lines.length);
    },
    onFrame: (room, frame) => this.#tell(frame, room),
    onEnding: (room, { before, error, reason }) => {
      // The room may have gone by the token that the connection had before, where the new one grants nothing.
      if (this.#isRenewed) void this.#vigil.look("at once");
      else {
        this.#events.onLines(room, before);
        this.#end(error, reason);
      }
      return !this.#isRenewed;
    },
    onOver: (membership, how) => {
      this.#forget(membership);
      // Without a farewell: the room has lost this socket, not the client its right.
      if (how === "lost") this.#tell(closingFrame("restarting", refusals.restarting.text), membership.room);
    },
  };

  #refuse(refusal: Refusal, ref: string | undefined, room: string | undefined, nowMs: number): void {
    this.#tell(errorFrame(refusal, ref), room);
    // What was meant for a room is held against that room's place alone.
    const membership = room === undefined ? undefined : this.#rooms.get(room);
    const record = membership ?? this.#record;
    const { tooMany, offences } = offend(record.offences, nowMs);
    record.offences = offences;
    if (!tooMany) return;
    if (membership === undefined) return this.#end("rate_limited", tooManyRefused);
    membership.abandon();
    this.#forget(membership);
    this.#tell(closingFrame("rate_limited", tooManyRefused), membership.room);
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
      return this.#leaveAll(lost, 1000);
    }
    this.#sentUnits += text.length;
    this.#traffic.say(text.length);
    if (this.#sentUnits < slowCheckUnits) return;
    this.#sentUnits = 0;
    // Without a bound of its own it would grow until the Worker is out of memory.
    if ((this.#client.bufferedAmount ?? 0) > fixedLimits.heldBufferBytes) this.#end("slow_consumer");
  }

  // How it ends.

  #beat(nowMs: number): void {
    if (this.#rooms.size > 0) this.#usedAtMs = nowMs;
    else if (nowMs - this.#usedAtMs >= fixedLimits.roomlessMs)
      return this.#end("connection_limit", "A connection without a room is not kept: come back to join one.");
    if (goneAtMs({ pingedAtMs: this.#pingedAtMs, seenAtMs: this.#seenAtMs }) <= nowMs)
      return this.#end("restarting", "Nothing was heard of this connection for too long.");
    for (const membership of this.#rooms.values()) membership.ping();
    void this.#vigil.look();
  }

  #end(error: RefusalCode, reason: string = refusals[error].text): void {
    if (!this.#open) return;
    const closing = closingFrame(error, reason);
    try {
      this.#client.send(JSON.stringify(closing));
    } catch {
      // It has gone already.
    }
    this.#leaveAll(endedBy(error), closing.code, error);
  }

  #leaveAll(ended: Ended, code: number, reason?: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#vigil.release();
    this.#tenure.release(ended);
    for (const membership of this.#rooms.values()) membership.abandon();
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
