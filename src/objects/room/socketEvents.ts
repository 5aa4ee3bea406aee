/** What the platform tells of sockets that have come in: a frame, a close, an error. */
import type { Connection } from "partyserver";
import { answerableCode } from "../../core/closing.ts";
import { refuse } from "../../protocol/refusals.ts";
import { endedByClient } from "../journal.ts";
import type { Assembled } from "./assemble.ts";
import { receive } from "./receive.ts";

export function hear({ parts, turn }: Assembled, socket: WebSocket, raw: string | ArrayBuffer): void {
  const seat = parts.roster.find(socket);
  // Closed by us while this frame was on its way.
  if (seat === undefined) return;
  try {
    receive(parts, seat, raw, Date.now());
  } catch (error) {
    // The frame's content is not logged.
    console.error("a frame failed", error);
    parts.roster.refuse(seat, refuse("internal"), undefined);
  }
  turn.settle(Date.now());
  parts.roster.deliver();
}

/** A close must be answered, or the peer waits and two descriptors leak; 1005, 1006 and 1015 may never be sent. */
export function closed({ parts, turn }: Assembled, connection: Connection, code: number, reason: string): void {
  const answer = answerableCode(code);
  connection.close(answer, answer === code ? reason : "");
  if (turn.settlesLater && parts.roster.find(connection) === undefined) return;
  parts.roster.remove(connection, endedByClient(code));
  turn.scheduleReport();
  turn.settle(Date.now());
}

export function broken({ parts, turn }: Assembled, connection: Connection): void {
  parts.roster.remove(connection, { by: "network", close: 1006 });
  turn.scheduleReport();
  turn.settle(Date.now());
}
