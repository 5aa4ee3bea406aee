/** Readers with a WebSocket of their own in one room each. */
import type { Listener, Speakers } from "./audience.ts";
import { placeOf } from "./audience.ts";
import { Crowd } from "./crowd.ts";
import { PING, PING_EVERY_MS } from "./dialects.ts";
import { inTurn } from "./schedule.ts";
import type { Target } from "./target.ts";

export class SocketAudience implements Speakers {
  readonly places: number;
  readonly #crowds: readonly Crowd[];
  readonly #stopPings: () => void;

  private constructor(crowds: readonly Crowd[]) {
    this.#crowds = crowds;
    const sockets = crowds.flatMap((crowd) => crowd.sockets);
    this.places = sockets.length;
    this.#stopPings = inTurn(sockets.length, PING_EVERY_MS, (index) => sockets[index]?.send(PING));
  }

  static async gather(target: Target, rooms: readonly string[], perRoom: number): Promise<SocketAudience> {
    const crowds: Crowd[] = [];
    for (const room of rooms) crowds.push(await Crowd.gather(target, room, perRoom));
    return new SocketAudience(crowds);
  }

  get connections(): number {
    return this.places;
  }

  get closed(): readonly string[] {
    return this.#crowds.flatMap((crowd) => crowd.closed.map(String));
  }

  listen(listener: Listener): void {
    this.#crowds.forEach((crowd, room) =>
      crowd.listen((frame, socket, readUs) => listener(frame, placeOf(room, crowd.sockets.length, socket), readUs)),
    );
  }

  publish(room: number, number: number): void {
    this.#crowds[room]?.publish(number);
  }

  async dismiss(): Promise<void> {
    this.#stopPings();
    await Promise.all(this.#crowds.map((crowd) => crowd.dismiss()));
  }
}
