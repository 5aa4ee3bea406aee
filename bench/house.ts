/** A room's users: who is there, and whether each of them knows it. */
import type { WebSocket } from "ws";
import { nowUs } from "./clock.ts";
import { dialects, PING } from "./dialects.ts";
import { Observer } from "./observer.ts";
import type { PresenceJob } from "./presenceJob.ts";
import { bytes, newSocket, withinLimit } from "./socket.ts";

const OPEN_WITHIN_MS = 30_000;

interface Guest {
  user: string;
  socket: WebSocket;
  observer: Observer;
}

export class House {
  readonly guests = new Map<number, Guest>();
  readonly closed: string[] = [];
  readonly #job: PresenceJob;

  constructor(job: PresenceJob) {
    this.#job = job;
  }

  /** Resolves once the welcome is read. */
  enter(index: number): Promise<void> {
    const { target, room, mode, users } = this.#job;
    const token = target.tokens[index] ?? "";
    const path = `${dialects.parley.socketPath(room)}?presence=${mode}`;
    const socket = newSocket(target.base.replace("http", "ws") + path, dialects.parley.protocols(token));
    const observer = new Observer(mode, (frame) => socket.send(frame));
    const guest = { user: users[index] ?? "", socket, observer };
    this.guests.set(index, guest);
    const joined = new Promise<void>((resolve, reject) => {
      socket.on("open", () => socket.send(PING));
      socket.on("error", reject);
      socket.on("close", (code) => {
        if (this.guests.get(index) === guest) this.closed.push(`user ${index}: ${code}`);
        reject(new Error(`user ${index} was closed with ${code}`));
      });
      socket.on("message", (data) => {
        observer.take(bytes(data).toString(), nowUs());
        resolve();
      });
    });
    return withinLimit(joined, OPEN_WITHIN_MS, `user ${index} did not come in`);
  }

  leave(index: number): void {
    const guest = this.guests.get(index);
    this.guests.delete(index);
    guest?.socket.close(1000);
  }

  clear(): void {
    const sockets = [...this.guests.values()].map(({ socket }) => socket);
    this.guests.clear();
    for (const socket of sockets) socket.terminate();
  }

  /** Observers that do not know who is there. */
  wrong(): number {
    const truth = [...this.guests.values()].map(({ user }) => user);
    const isRight = ({ present, count, isListing }: Observer) =>
      this.#job.mode === "count"
        ? count === truth.length
        : !isListing && present.size === truth.length && truth.every((user) => present.has(user));
    return [...this.guests.values()].filter(({ observer }) => !isRight(observer)).length;
  }
}
