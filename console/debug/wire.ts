/** A connection as the platform has it, with nothing of the SDK's between: what is seen here is what there is. */
import type { RoomCapability } from "../../src/protocol/capabilities.ts";
import type { ServerFrame } from "../../src/protocol/serverFrames.ts";
import { steadyApi } from "../api.ts";
import { problemOf } from "../problem.ts";
import { mintToken } from "../live/rights.ts";
import { tokenMark } from "./examples.ts";
import type { FrameLog } from "./frameLog.ts";

export interface WireOptions {
  /** One, or on a connection of many rooms as many as that takes. */
  readonly rooms: readonly string[];
  readonly user: string;
  readonly rights: readonly RoomCapability[];
  readonly by: "socket" | "events";
  /** Where to go on; empty for the newest messages. */
  readonly cursor: string;
}

export type WireState =
  | { readonly name: "connecting" }
  | { readonly name: "open" }
  | { readonly name: "closed"; readonly code: number | null; readonly reason: string };

export interface Wire {
  /** Null where nothing can be sent: over events. */
  readonly send: ((text: string) => Promise<void>) | null;
  readonly close: () => void;
}

/** Throws the ProblemError of a key or a user that is not let in. */
export async function openWire(
  options: WireOptions,
  log: FrameLog,
  onState: (state: WireState) => void,
): Promise<Wire> {
  // It may ask for another token much later.
  const steady = steadyApi();
  const mint = (): Promise<string> =>
    mintToken(steady, options.user, Object.fromEntries(options.rooms.map((room) => [room, [...options.rights]])));
  const token = await mint();
  return options.by === "socket"
    ? openSocket(options, { token, mint, log, onState })
    : openEvents(options, { token, log, onState });
}

interface Parts {
  readonly token: string;
  readonly log: FrameLog;
  readonly onState: (state: WireState) => void;
}

const pingMs = 25_000;
const tokenPlace = new RegExp(`("token"\\s*:\\s*)"${tokenMark}"`);
const ping = '{"type":"ping"}';

function openSocket({ rooms, cursor }: WireOptions, parts: Parts & { readonly mint: () => Promise<string> }): Wire {
  const { token, mint, log, onState } = parts;
  const [room, ...others] = rooms;
  const isMany = others.length > 0;
  const address = new URL(isMany ? "/v1/socket" : `/v1/rooms/${room}/socket`, location.origin);
  address.protocol = address.protocol.replace("http", "ws");
  if (!isMany && cursor !== "") address.searchParams.set("cursor", cursor);
  const socket = new WebSocket(address, ["parley.v1", `bearer.${token}`]);
  const say = (text: string, shown = text): void => {
    socket.send(text);
    log.add("out", shown);
  };
  // Who says nothing for ten minutes is taken to be gone.
  const pinging = setInterval(() => socket.readyState === WebSocket.OPEN && say(ping), pingMs);
  socket.addEventListener("open", () => {
    onState({ name: "open" });
    log.add("note", `Opened ${address.pathname}${address.search} as ${socket.protocol}`, "opened");
    if (isMany)
      for (const joined of rooms)
        say(JSON.stringify({ type: "join", ref: `join ${rooms.indexOf(joined)}`, room: joined }));
  });
  socket.addEventListener("message", ({ data }) => log.add("in", String(data)));
  socket.addEventListener("close", ({ code, reason }) => {
    clearInterval(pinging);
    log.add("note", `Closed with ${code}${reason === "" ? "" : `: ${reason}`}`, "closed");
    onState({ name: "closed", code, reason });
  });
  return {
    // A token is put in on the way, and is seen by nobody.
    send: async (text) => {
      if (tokenPlace.test(text)) say(text.replace(tokenPlace, `$1${JSON.stringify(await mint())}`), text);
      else say(text);
    },
    close: () => socket.close(1000),
  };
}

/** By name, since a browser tells of no event that nobody asks for. */
const frameNames = Object.keys({
  welcome: 0,
  changes: 0,
  ack: 0,
  error: 0,
  page: 0,
  closing: 0,
  receipt: 0,
  presence: 0,
  "presence.page": 0,
  typing: 0,
  delta: 0,
  snapshot: 0,
  cancel: 0,
  limit: 0,
  token: 0,
  pong: 0,
} satisfies Record<ServerFrame["type"], 0>);
/** And of a room that lets nobody in, where there are many. */
const eventNames = [...frameNames, "refused"];

async function openEvents({ rooms, cursor }: WireOptions, { token, log, onState }: Parts): Promise<Wire> {
  const [room, ...others] = rooms;
  const ticket = await newTicket(token, others.length > 0 ? {} : { room });
  const path = others.length > 0 ? "/v1/events" : `/v1/rooms/${room}/events`;
  const query = new URLSearchParams({
    ...(others.length > 0 ? { rooms: rooms.join(",") } : {}),
    ...(cursor === "" ? {} : { cursor }),
    ticket,
  });
  const source = new EventSource(`${path}?${query}`);
  const end = (reason: string): void => {
    source.close();
    log.add("note", reason, "closed");
    onState({ name: "closed", code: null, reason });
  };
  source.addEventListener("open", () => {
    onState({ name: "open" });
    log.add("note", `Opened ${path} with a ticket`, "opened");
  });
  for (const name of eventNames)
    source.addEventListener(name, (event) => {
      // Also what the browser itself calls an error, which has no data.
      if (event instanceof MessageEvent) log.add("in", String(event.data), name);
    });
  source.addEventListener("error", (event) => {
    if (event instanceof MessageEvent) return;
    // The ticket was for this one opening: the browser's own comeback would be answered 204.
    end("The stream has ended. Another one takes another ticket, and the last cursor.");
  });
  return { send: null, close: () => end("Closed as wished.") };
}

async function newTicket(token: string, body: object): Promise<string> {
  const response = await fetch("/v1/tickets", {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw await problemOf(response);
  const made: unknown = await response.json();
  return typeof made === "object" && made !== null && "ticket" in made ? String(made.ticket) : "";
}
