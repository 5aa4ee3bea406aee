/** What the goals ask of Parley alone, case by case. */
import type { AudienceCase, Case } from "./trials.ts";

/** A room's last job is due 10 s after the last one came in, and workerd lets an object sleep after 10 s more. */
const ASLEEP_MS = 25_000;
/** So many sockets in one room, to all of which a message goes each second. */
export function crowd(sockets: number): AudienceCase {
  return {
    kind: "audience",
    title: `${sockets} sockets in one room`,
    server: { limits: { socketsPerRoom: 30_000 } },
    rooms: 1,
    roomsPerConnection: 1,
    publishers: { by: "sockets", perRoom: 1 },
    readers: [{ by: "sockets", perRoom: sockets - 1 }],
    restSeconds: 5,
    messagesPerSecond: 1,
    warmUpMessages: 3,
    aloneMessages: 0,
    steadyMessages: 30,
    burstMessages: 20,
  };
}

export function multitude(rooms: number): Case {
  return {
    kind: "multitude",
    title: `${rooms} rooms`,
    server: {},
    rooms,
    roomsPerConnection: Math.min(100, rooms),
    roomsPerSecond: 150,
    restMs: ASLEEP_MS,
    messagesPerSecond: 500,
    seconds: 20,
  };
}

export function depth(deep: number): Case {
  return { kind: "depth", title: `${deep} messages beside 1000`, server: {}, shallow: 1_000, deep, pairs: 400 };
}

export function wake(scale: number): Case {
  const few = Math.ceil(20 * scale);
  const groups = [
    { rooms: few, sockets: 1 },
    { rooms: few, sockets: 10 },
    { rooms: Math.ceil(few / 2), sockets: 100 },
    { rooms: Math.ceil(few / 4), sockets: Math.ceil(1_000 * scale) },
  ];
  return { kind: "wake", title: "rooms that sleep", server: {}, groups, restMs: ASLEEP_MS };
}

export function request(requests: number): Case {
  return { kind: "request", title: "a publish over HTTP", server: {}, requests, rounds: 7 };
}

/** Up to what it is asked for and beyond, with no limit in the way, and twice as much with the goal as the room's own limit. */
export function ingest(perSecond: number): Case[] {
  const each = { kind: "ingest" as const, room: "well-fed-room", sockets: 10, warmUpSeconds: 2, windowSeconds: 8 };
  const limits = { publishPerRoomPerSecond: perSecond, publishPerRoomBurst: perSecond };
  const offered = (share: number) => ({ ...each, messagesPerSecond: Math.ceil(perSecond * share) });
  const unlimited = [0.5, 1.05, 1.25, 1.5].map((share) => ({
    ...offered(share),
    title: `${share} × the goal`,
    server: {},
  }));
  return [...unlimited, { ...offered(2), title: "2 × the goal, the goal as the room's limit", server: { limits } }];
}
