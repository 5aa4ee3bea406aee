/** Who is connected: the room's sockets with their sessions, and everything that is sent to them. */
import type { Allowance } from "../../core/allowance.ts";
import type { Offences, Untaken } from "../../core/closing.ts";
import type { Refreshes } from "../../core/validity.ts";
import type { Warned } from "../../core/warning.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, type RefusalCode, refusals } from "../../protocol/refusals.ts";
import { closingFrame, errorFrame } from "../../protocol/farewell.ts";
import type { ServerFrame } from "../../protocol/serverFrames.ts";
import type { PresenceMode, Session } from "../../protocol/session.ts";
import { type Ended, endedBy, Traffic } from "../journal.ts";
import { type Attachment, readAttachment, writeAttachment } from "./attachment.ts";
import { enterRoom, forgetConnections, leaveRoom, ownerOf, relayed as relayedOwner } from "./connections.ts";
import { batch, Edition, type News, type Veil } from "./news.ts";

declare global {
  interface WebSocket {
    /** Bytes sent that the peer has not taken. Absent in a workerd older than November 2026 (docs/decisions/0011). */
    readonly bufferedAmount?: number;
  }
}

const slowCheckUnits = 65_536;
/** An answer of this length costs more to copy than to send alone. */
const longAnswerUnits = 16_384;

/** One socket and what is known of it. All but its attachment is memory that may be lost. */
export interface Seat {
  readonly socket: WebSocket;
  session: Session;
  /** As it lies on the socket, but for the time of the last frame, which is written down only now and then. */
  attachment: Attachment;
  /** What it is told of those who are here. */
  hears: PresenceMode;
  /** When its user's typing was last told, and how. */
  typing: { readonly active: boolean; readonly toldAtMs: number } | null;
  /** When the last frame came. */
  seenAtMs: number;
  frames: Allowance | undefined;
  /** New tokens that it has sent. */
  refreshes: Refreshes;
  offences: Offences;
  warned: Warned;
  /** Answers that wait for the end of the event or flush, so that many of them cost one send. */
  outbox: string[];
  /** Since it came, or since the room last lost its memory. */
  readonly traffic: Traffic;
  /** How much it had been sent when it was last looked whether it falls behind. */
  checkedUnits: number;
  /** As it was found when something waited for a peer that nothing has been heard of. */
  untaken: Untaken | null;
}

/** Who wants to know of users that come and go. It must send nothing by itself: a seat may go while all are being told. */
export interface Doorkeeper {
  enter(seat: Seat): void;
  leave(seat: Seat): void;
  /** Its session is another one now. */
  reseat(seat: Seat, before: Session): void;
}

/**
 * Walks its own map for each broadcast: partyserver's iterator deserialises every attachment for every message, which was
 * measured at up to twice the cost.
 */
export class Roster {
  readonly #name: string;
  readonly #seats = new Map<WebSocket, Seat>();
  readonly #waiting = new Set<Seat>();
  readonly #doorkeeper: Doorkeeper;
  readonly #onEnd: (seat: Seat, ended: Ended) => void;
  #listening = 0;

  /** Rebuilds the roster after waking. A socket whose attachment cannot be read is closed: it comes back and resumes. */
  constructor(
    name: string,
    sockets: readonly WebSocket[],
    doorkeeper: Doorkeeper,
    onEnd: (seat: Seat, ended: Ended) => void,
  ) {
    this.#name = name;
    this.#onEnd = onEnd;
    forgetConnections(name);
    this.#doorkeeper = doorkeeper;
    for (const socket of sockets) {
      if (socket.readyState !== WebSocket.OPEN) continue;
      const attachment = readAttachment(socket);
      if (attachment === null) closeSocket(socket, "resync");
      else this.add(socket, attachment);
    }
  }

  get size(): number {
    return this.#seats.size;
  }

  get seats(): IterableIterator<Seat> {
    return this.#seats.values();
  }

  /** Those that listen to one message alone. */
  listeners(): Seat[] {
    if (this.#listening === 0) return [];
    return [...this.#seats.values()].filter(({ attachment: { listensTo } }) => listensTo !== null);
  }

  add(socket: WebSocket, attachment: Attachment): Seat {
    const { session, presence, relayed } = attachment;
    const seat: Seat = {
      socket,
      session,
      attachment,
      hears: heardBy(session, presence),
      typing: null,
      seenAtMs: attachment.seenAtMs,
      frames: undefined,
      refreshes: { underway: false, allowance: undefined },
      offences: [],
      warned: new Set(),
      outbox: [],
      traffic: new Traffic(Date.now()),
      checkedUnits: 0,
      untaken: null,
    };
    this.#seats.set(socket, seat);
    if (attachment.listensTo !== null) this.#listening += 1;
    enterRoom(this.#name, relayed ? relayedOwner : this.#ownerOf(session));
    this.#doorkeeper.enter(seat);
    return seat;
  }

  find(socket: WebSocket): Seat | undefined {
    return this.#seats.get(socket);
  }

  remove(socket: WebSocket, ended: Ended): void {
    const seat = this.#seats.get(socket);
    if (seat === undefined) return;
    this.#seats.delete(socket);
    this.#waiting.delete(seat);
    if (seat.attachment.listensTo !== null) this.#listening -= 1;
    leaveRoom(this.#name, seat.attachment.relayed ? relayedOwner : this.#ownerOf(seat.session));
    this.#doorkeeper.leave(seat);
    this.#onEnd(seat, ended);
  }

  /** The socket stays, with another session of its user. */
  reseat(seat: Seat, session: Session, noticeAtMs: number | null): void {
    const before = seat.session;
    seat.session = session;
    seat.hears = heardBy(session, seat.attachment.presence);
    inscribe(seat, { session, noticeAtMs });
    this.#doorkeeper.reseat(seat, before);
  }

  socketsOf(user: string): number {
    let count = 0;
    for (const { session } of this.#seats.values()) if (session.user === user) count++;
    return count;
  }

  /** How many different users are here. */
  countOnline(): number {
    const users = new Set<string>();
    for (const { session } of this.#seats.values()) if (session.user !== null) users.add(session.user);
    return users.size;
  }

  /**
   * The same news to every socket, and after it to each the answers that wait for it: one send a socket, which is what a
   * fan-out costs. One that does not read is cut: `bufferedAmount` has no bound of its own.
   */
  announce(news: readonly News[], veil: Veil | null = null): void {
    if (news.length === 0) return this.deliver();
    const edition = new Edition(news, veil);
    for (const seat of this.#seats.values()) {
      const answers = seat.outbox;
      seat.outbox = [];
      const text =
        answers.length === 0
          ? edition.textFor(seat)
          : batch([...edition.framesFor(seat), ...answers], seat.attachment.relayed);
      if (text !== null) this.#send(seat, text);
    }
    this.#waiting.clear();
  }

  /** The frames of a join, which come first and all at once: as much as a replay may have. */
  welcome(seat: Seat, frames: readonly string[]): void {
    for (const frame of frames) {
      seat.traffic.say(frame.length);
      seat.socket.send(frame);
    }
    seat.checkedUnits = seat.traffic.unitsOut;
  }

  /** An answer to one socket, sent with the others of this event by `deliver`, or at once where many would grow too long. */
  answer(seat: Seat, frame: ServerFrame): void {
    const text = JSON.stringify(frame);
    if (text.length > longAnswerUnits) {
      this.#sendWaiting(seat);
      this.#send(seat, text);
    } else {
      seat.outbox.push(text);
      this.#waiting.add(seat);
    }
  }

  refuse(seat: Seat, refusal: Refusal, ref: string | undefined): void {
    this.answer(seat, errorFrame(refusal, ref));
  }

  deliver(): void {
    for (const seat of this.#waiting) this.#sendWaiting(seat);
    this.#waiting.clear();
  }

  /** Says why and what to do next, then closes. */
  close(seat: Seat, error: RefusalCode, detail?: string): void {
    this.#sendWaiting(seat);
    this.reject(seat.socket, error, detail);
  }

  /** The same for a socket that may have no seat. */
  reject(socket: WebSocket, error: RefusalCode, detail?: string): void {
    this.remove(socket, endedBy(error));
    closeSocket(socket, error, detail);
  }

  /** Has heard all that it came for. */
  dismiss(seat: Seat, last: readonly string[]): void {
    this.#sendWaiting(seat);
    this.remove(seat.socket, { by: "server", close: 1000 });
    this.part(seat.socket, last);
  }

  /** The same for a socket that has no seat. */
  part(socket: WebSocket, last: readonly string[]): void {
    try {
      for (const frame of last) socket.send(frame);
      socket.close(1000);
    } catch {
      // It is closed already.
    }
  }

  closeAll(error: RefusalCode): void {
    for (const seat of this.#seats.values()) this.close(seat, error);
  }

  /** Of a client's own socket: one that our Worker holds is no connection by itself. */
  #ownerOf({ user }: Session): string | null {
    return ownerOf(this.#name.slice(0, this.#name.indexOf("/")), user);
  }

  #sendWaiting(seat: Seat): void {
    const answers = seat.outbox;
    seat.outbox = [];
    if (answers.length > 0) this.#send(seat, batch(answers, seat.attachment.relayed));
  }

  #send(seat: Seat, frame: string): void {
    seat.traffic.say(frame.length);
    if (isSlow(seat)) return this.reject(seat.socket, "slow_consumer");
    try {
      seat.socket.send(frame);
    } catch {
      // The peer is gone, or what it was sent cannot be: either way it must not stay and hear nothing more.
      this.reject(seat.socket, "resync");
    }
  }
}

/** Who has not the capability is told of nobody. */
function heardBy({ capabilities }: Session, presence: PresenceMode): PresenceMode {
  return capabilities.includes("presence") ? presence : "none";
}

/** Changes what lies on the socket while the room sleeps. */
export function inscribe(seat: Seat, patch: Partial<Attachment>): void {
  seat.attachment = { ...seat.attachment, ...patch };
  writeAttachment(seat.socket, seat.attachment);
}

/** Looked at after every so much, because the question costs as much as a tenth of a send. */
function isSlow(seat: Seat): boolean {
  const { unitsOut } = seat.traffic;
  if (unitsOut - seat.checkedUnits < slowCheckUnits) return false;
  seat.checkedUnits = unitsOut;
  return (seat.socket.bufferedAmount ?? 0) > fixedLimits.slowConsumerBytes;
}

function closeSocket(socket: WebSocket, error: RefusalCode, detail?: string): void {
  const reason = detail ?? refusals[error].text;
  const closing = closingFrame(error, reason);
  try {
    socket.send(JSON.stringify(closing));
    // A reason is at most 123 bytes on the wire (RFC 6455, 5.5); the code says it all.
    socket.close(closing.code, error);
  } catch {
    // It is closed already.
  }
}
