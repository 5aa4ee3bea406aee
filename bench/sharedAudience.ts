/** Readers with a WebSocket that many rooms share: `join` for each, and each frame names its room. */
import { setTimeout as delay } from "node:timers/promises";
import type { WebSocket } from "ws";
import type { Listener, Speakers } from "./audience.ts";
import { placeOf } from "./audience.ts";
import { nowUs } from "./clock.ts";
import { dialects, PING, PING_EVERY_MS } from "./dialects.ts";
import { inTurn } from "./schedule.ts";
import { bytes, inGroups, newSocket, withinLimit } from "./socket.ts";
import { stampedText } from "./stamp.ts";
import type { Target } from "./target.ts";

const OPENING_AT_ONCE = 4;
const JOIN_WITHIN_MS = 60_000;
const CLOSE_WITHIN_MS = 1_000;
const ROOM_MARK = '"room":"';
/** Behind the bracket of a batch and the brace of its first frame. All frames of a batch are of one room. */
const ROOM_WITHIN = 2;

interface Seating {
  target: Target;
  rooms: readonly string[];
  perRoom: number;
  roomsPerConnection: number;
}

export class SharedAudience implements Speakers {
  readonly places: number;
  readonly connections: number;
  readonly closed: string[] = [];
  readonly #seating: Seating;
  readonly #sockets: WebSocket[] = [];
  #listener: Listener = () => {};
  #dismissed = false;
  #stopPings = (): void => {};

  private constructor(seating: Seating) {
    this.#seating = seating;
    this.places = seating.rooms.length * seating.perRoom;
    this.connections = this.places / seating.roomsPerConnection;
    if (!Number.isInteger(this.connections)) throw new Error("places must fill the connections");
  }

  /** Resolves once every connection has joined all its rooms. Connection c has the next so many rooms after those of c - 1, and round again. */
  static async gather(seating: Seating): Promise<SharedAudience> {
    const audience = new SharedAudience(seating);
    await inGroups(audience.connections, OPENING_AT_ONCE, (index) =>
      withinLimit(audience.#open(index), JOIN_WITHIN_MS, `connection ${index} did not join its rooms`),
    );
    audience.#stopPings = inTurn(audience.connections, PING_EVERY_MS, (index) => audience.#sockets[index]?.send(PING));
    return audience;
  }

  listen(listener: Listener): void {
    this.#listener = listener;
  }

  publish(room: number, number: number): void {
    const { rooms, perRoom, roomsPerConnection } = this.#seating;
    const seat = (number % perRoom) * rooms.length + room;
    const name = rooms[room] ?? "";
    const frame = dialects.parley.publish({ room: name, number, text: stampedText({ number, sentUs: nowUs() }) });
    this.#sockets[Math.floor(seat / roomsPerConnection)]?.send(addressed(name, frame));
  }

  async dismiss(): Promise<void> {
    this.#dismissed = true;
    this.#stopPings();
    for (const socket of this.#sockets) socket.close(1000);
    await delay(CLOSE_WITHIN_MS);
    for (const socket of this.#sockets) socket.terminate();
  }

  #open(index: number): Promise<void> {
    const { target } = this.#seating;
    const token = target.tokens[index % target.tokens.length] ?? "";
    const url = `${target.base.replace("http", "ws")}/v1/socket`;
    const socket = newSocket(url, dialects.parley.protocols(token));
    this.#sockets[index] = socket;
    const places = this.#placesOf(index);
    const joining = new Set(places.keys());
    return new Promise((resolve, reject) => {
      socket.on("error", reject);
      socket.on("close", (code, reason) => {
        if (!this.#dismissed) this.closed.push(String(code));
        reject(new Error(`connection ${index} was closed with ${code} ${reason.toString()}`));
      });
      socket.on("open", () => {
        socket.send(PING);
        for (const room of places.keys()) socket.send(JSON.stringify({ type: "join", room }));
      });
      socket.on("message", (data) => {
        const readUs = nowUs();
        const frame = bytes(data);
        const room = roomOf(frame);
        const place = room === null ? undefined : places.get(room);
        if (room !== null && joining.size > 0) {
          if (frame.includes('"type":"error"')) reject(new Error(`${room} was not joined: ${frame.toString()}`));
          if (frame.includes('"reset":true')) joining.delete(room);
          if (joining.size === 0) resolve();
        } else if (place !== undefined) this.#listener(frame, place, readUs);
      });
    });
  }

  /** The rooms of a connection, each with the place that it has there. */
  #placesOf(connection: number): Map<string, number> {
    const { rooms, perRoom, roomsPerConnection } = this.#seating;
    return new Map(
      Array.from({ length: roomsPerConnection }, (_, at): [string, number] => {
        const seat = connection * roomsPerConnection + at;
        const room = seat % rooms.length;
        return [rooms[room] ?? "", placeOf(room, perRoom, Math.floor(seat / rooms.length))];
      }),
    );
  }
}

/** Null for a frame of the connection itself, and for a `welcome`, which names its room in its own place. */
function roomOf(frame: Buffer): string | null {
  const at = frame.indexOf(ROOM_MARK);
  if (at === -1 || at > ROOM_WITHIN) return null;
  const from = at + ROOM_MARK.length;
  return frame.toString("latin1", from, frame.indexOf(0x22, from));
}

function addressed(room: string, frame: string): string {
  return `{"room":"${room}",${frame.slice(1)}`;
}
