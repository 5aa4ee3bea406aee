/** The log: one line of JSON for each request and each connection, where the deployment wants it (`LOG=json`). */
import type { ConnectionLine, RequestLine } from "../protocol/logLine.ts";
import { type RefusalCode, refusals } from "../protocol/refusals.ts";
import { roomObjectName, type ObjectBindings } from "./stubs.ts";

export type Journal = Pick<ObjectBindings, "LOG">;

type Said<Line> = Omit<Line, "time">;

/** A text and not an object: workerd would print that for people. */
export function write(line: Said<RequestLine> | Said<ConnectionLine>, nowMs: number): void {
  // oxlint-disable-next-line no-console -- it is the log.
  console.log(JSON.stringify({ time: new Date(nowMs).toISOString(), ...line }));
}

export function isWritten({ LOG }: Journal): boolean {
  return LOG === "json";
}

/** A bug is an error; what cannot be done now is a warning; a no is none. */
export function levelOf(refusal: RefusalCode | undefined, status = 200): RequestLine["level"] {
  const told = refusal === undefined ? status : refusals[refusal].status;
  if (told === 500) return "error";
  return told > 500 ? "warn" : "info";
}

/**
 * Which room it is, without its name: what people call their rooms says who they are. The platform's own id of the object, so that
 * the line finds the room in Cloudflare's dashboard, and its database on one machine.
 */
export function roomMark(env: Pick<ObjectBindings, "ROOM">, tenant: string, room: string): string {
  return markOf(env.ROOM.idFromName(roomObjectName(tenant, room)));
}

export function markOf(id: DurableObjectId): string {
  return id.toString().slice(0, 16);
}

/** How a connection ended. */
export interface Ended {
  readonly by: ConnectionLine["by"];
  readonly close: number;
  readonly refusal?: RefusalCode;
}

export function endedBy(error: RefusalCode): Ended {
  return { by: "server", close: refusals[error].close ?? 1000, refusal: error };
}

/** By the code of the client's Close frame: 1006 is none at all, 1005 one without a code. */
export function endedByClient(code: number): Ended {
  return { by: code === 1006 ? "network" : "client", close: code };
}

/** What has gone over a connection, as far as is known. */
export class Traffic {
  readonly sinceMs: number;
  framesIn = 0;
  framesOut = 0;
  unitsIn = 0;
  unitsOut = 0;

  constructor(sinceMs: number) {
    this.sinceMs = sinceMs;
  }

  hear(units: number): void {
    this.framesIn += 1;
    this.unitsIn += units;
  }

  say(units: number, frames = 1): void {
    this.framesOut += frames;
    this.unitsOut += units;
  }

  at(nowMs: number): Omit<Traffic, "sinceMs" | "hear" | "say" | "at"> & { readonly countedMs: number } {
    const { framesIn, framesOut, unitsIn, unitsOut, sinceMs } = this;
    return { framesIn, framesOut, unitsIn, unitsOut, countedMs: Math.max(0, nowMs - sinceMs) };
  }
}
