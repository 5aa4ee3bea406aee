/** A quick load on a server: readers, messages at a steady rate, and whether each reader has heard each message once. */
import { randomUUID } from "node:crypto";
import { RoomName } from "../../src/protocol/names.ts";
import { Audience, type Heard } from "../audience.ts";
import { command, type Context } from "../command.ts";
import { failureOf } from "../complaint.ts";
import { Failure, Refused, UsageError } from "../failure.ts";
import { count } from "../options.ts";
import { counted } from "../progress.ts";
import { endSoon, interrupted } from "../session.ts";
import { card } from "../table.ts";

/** One number for each message at each reader is held. */
const deliveriesMax = 5_000_000;

export const bench = command({
  name: "bench",
  summary: "Put a quick load on a server, and prove that no reader misses a message",
  more: "Each socket is a reader by the protocol's rule and a user who publishes in turn. All of them are in this one\nprocess: beyond some thousand deliveries a second it measures itself. Its room is deleted at the end, also after Ctrl-C.",
  example: "npx parley bench --sockets 50 --rate 100 --seconds 10",
  words: {},
  options: {
    sockets: { text: "how many; 10 unless said", value: "number", schema: count(1, 1_000).default(10) },
    rate: {
      text: "messages a second of all together; 20 unless said",
      value: "number",
      schema: count(1, 5_000).default(20),
    },
    seconds: { text: "for how long; 5 unless said", value: "number", schema: count(1, 3_600).default(5) },
    room: { text: "in this room, which stays", value: "room", schema: RoomName.optional() },
  },
  async run({ sockets, rate, seconds, room }, context) {
    if (sockets * rate * seconds > deliveriesMax) throw new UsageError("that is too much for one process");
    const name = room ?? `bench-${randomUUID()}`;
    const audience = new Audience(name, context);
    const measure = async (): Promise<Heard> => {
      await audience.seat(sockets);
      context.terminal.note(`${counted(sockets, "socket")} in ${name}, ${rate} messages a second for ${seconds} s …`);
      return audience.hear(rate, seconds);
    };
    let heard: Heard | void;
    try {
      heard = await Promise.race([measure(), interrupted()]);
    } finally {
      audience.leave();
      if (room === undefined) await remove(name, context);
    }
    if (heard !== undefined) return tell(heard, context);
    // What was still to be published would keep the process alive for as long.
    endSoon();
    throw new Failure("stopped before its end: nothing is proved");
  },
});

/** Says it where it fails: why the bench itself has failed is the answer. */
async function remove(room: string, { api, terminal }: Context): Promise<void> {
  try {
    await api.tell(`/v1/rooms/${room}`, { method: "DELETE" });
  } catch (error) {
    // Nobody had come so far as to make it.
    if (error instanceof Refused && error.refusal.code === "not_found") return;
    terminal.note(`Room ${room} could not be deleted, and may be there: ${failureOf(error).message}`);
  }
}

/** Throws where anything was refused, missed or heard twice. */
function tell(heard: Heard, { terminal, json }: Context): void {
  const { published, refused, delivered, missing, twice, tookMs, ackMs, deliveryMs } = heard;
  const latency = ({ p50, p99, max }: typeof ackMs): string =>
    `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, at most ${max.toFixed(1)} ms`;
  if (json) terminal.json(heard);
  else
    card(terminal, {
      published: `${counted(published, "message")} in ${(tookMs / 1_000).toFixed(1)} s, ${refused} refused`,
      delivered: `${counted(delivered, "time")}, ${missing} missing, ${twice} twice`,
      stored: latency(ackMs),
      heard: latency(deliveryMs),
    });
  if (refused + missing + twice > 0) throw new Failure(heard.why ?? "not every reader has heard each message once");
}
