/** Readers of the bare protocol that come back whenever they have lost their connection, or hear nothing for too long. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Reader } from "../chaos/reader.ts";
import type { EventReader } from "./eventReader.ts";

/** A client of the protocol waits 20 s for a comment, and pings every 25 s. */
export const patienceMs = 1_500;

export abstract class Returning<AnyReader extends Reader | EventReader = Reader | EventReader> {
  readonly reader: AnyReader;
  goingOn = true;
  /** Whether it has a connection on which it has caught up, as far as it knows. */
  isLive = true;
  comebacks = 0;

  constructor(reader: AnyReader) {
    this.reader = reader;
  }

  async stay(): Promise<void> {
    while (this.goingOn) {
      await this.untilLost();
      this.isLive = false;
      if (this.goingOn) await this.#comeBack();
    }
  }

  /** Or until it need not go on. */
  protected abstract untilLost(): Promise<void>;

  async #comeBack(): Promise<void> {
    this.reader.cut();
    this.comebacks += 1;
    // In the midst of trouble it may be lost again before it has caught up.
    await this.reader.open().then(
      () => (this.isLive = true),
      () => sleep(20),
    );
  }
}

export class ReturningStream extends Returning<EventReader> {
  protected override async untilLost(): Promise<void> {
    const { stream } = this.reader;
    const heard = (): number => stream.events.length + stream.comments;
    for (let before = -1; stream.ending === null && heard() > before && this.goingOn;) {
      before = heard();
      await Promise.race([stream.ended, sleep(patienceMs)]);
    }
  }
}

export class ReturningSocket extends Returning<Reader> {
  protected override async untilLost(): Promise<void> {
    const { reader } = this;
    while (reader.closedWith === null && this.goingOn) {
      const pongs = reader.received("pong");
      // Answered by the room: workerd never tells it of a client that crashes right after a ping that it answers itself.
      reader.send({ type: "ping", ref: "alive" });
      const answered = (): boolean => reader.closedWith !== null || reader.received("pong") > pongs;
      const silent = await reader.until(answered, patienceMs).then(
        () => false,
        () => true,
      );
      if (silent) return;
      await reader.until(() => reader.closedWith !== null, 300).catch(() => undefined);
    }
  }
}
