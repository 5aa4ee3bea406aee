/** What is written down of a connection that the Worker holds, when it is over. */
import { type Ended, levelOf, Traffic, write } from "../../objects/journal.ts";
import type { ConnectionLine } from "../../protocol/logLine.ts";

type Named = Pick<ConnectionLine, "request" | "connection" | "tenant" | "room" | "transport">;

export class Life {
  readonly traffic: Traffic;
  readonly #named: Named | null;

  /** With null nothing is written. */
  constructor(named: Named | null, nowMs: number) {
    this.#named = named;
    this.traffic = new Traffic(nowMs);
  }

  /** To be called once. */
  end({ refusal, ...ended }: Ended, nowMs: number): void {
    if (this.#named === null) return;
    const { countedMs, ...traffic } = this.traffic.at(nowMs);
    const why = { ...ended, ...(refusal === undefined ? {} : { refusal }) };
    const level = levelOf(refusal);
    write({ level, event: "connection", ...this.#named, ...why, ms: countedMs, ...traffic, countedMs }, nowMs);
  }
}
