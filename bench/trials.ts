/** Trials of Parley alone: nothing here has its like on the other servers. Each case gets a server of its own, so that memory can be told. */
import type { AudienceJob } from "./audienceJob.ts";
import type { DepthJob } from "./depthJob.ts";
import { crowd, depth, ingest, multitude, request, wake } from "./goalCases.ts";
import type { IngestJob } from "./ingestJob.ts";
import type { MultitudeJob } from "./multitudeJob.ts";
import type { PresenceJob } from "./presenceJob.ts";
import type { RequestJob } from "./requestJob.ts";
import type { RevocationJob } from "./revocationJob.ts";
import type { WakeJob } from "./wakeJob.ts";

/** Those that the goals ask for belong to every run, the others to one that names them. */
export const goalTrials = ["crowd", "depth", "wake", "request", "ingest"] as const;
export const trialNames = [...goalTrials, "multitude", "streams", "rooms", "presence", "revocation"] as const;
export type TrialName = (typeof trialNames)[number];

/** What a case wants of its server beyond what all have. */
export interface ServerWish {
  /** Of the tenant, over those of a run. */
  readonly limits?: Readonly<Record<string, number>>;
}

interface Named {
  title: string;
  server: ServerWish;
}

/** A job without what only the running server knows. */
type Wanted<Job, Known extends keyof Job> = Omit<Job, "target" | "serverPids" | Known>;
export type AudienceCase = Wanted<AudienceJob, "rooms" | "runtimePids"> & Named & { rooms: number };
type PresenceCase = Wanted<PresenceJob, "room" | "users"> & Named & { coming: number };
type RevocationCase = Wanted<RevocationJob, "rooms" | "user" | "apiKey"> & Named & { rooms: number };
type MultitudeCase = Wanted<MultitudeJob, "runtimePids"> & Named;
/** Of which the server adds no more than where it is. */
type PlainCase = Named &
  (Wanted<DepthJob, never> | Wanted<WakeJob, never> | Wanted<RequestJob, never> | Wanted<IngestJob, never>);
export type Case = AudienceCase | PresenceCase | RevocationCase | MultitudeCase | PlainCase;

/** A connection that the Worker holds does something this often (`heartbeatMs`): a rest of this length has each of them once. */
const HEARTBEAT_SECONDS = 15;
/** A room's last job is due 10 s after the last one came in, and workerd lets an object sleep after 10 s more. */
const ASLEEP_MS = 25_000;

/** At a scale of 1 the sizes that are quoted; smaller ones are for trying out. */
export function casesOf(trial: TrialName, scale: number): readonly Case[] {
  switch (trial) {
    case "crowd":
      // The second is as many as `npm start` lets in where a process may have 20,000 descriptors.
      return [5_000, 8_900].map((sockets) => crowd(Math.ceil(sockets * scale)));
    case "multitude":
      return [multitude(Math.ceil(10_000 * scale))];
    case "depth":
      return [depth(Math.ceil(1_000_000 * scale))];
    case "wake":
      return [wake(scale)];
    case "request":
      return [request(Math.ceil(3_000 * scale))];
    case "ingest":
      return ingest(Math.ceil(8_000 * scale));
    case "streams":
      return streams(Math.ceil(2_000 * scale));
    case "rooms":
      return rooms(Math.max(2, Math.ceil(10 * scale)), Math.max(2, Math.ceil(50 * scale)));
    case "presence":
      return (["full", "count"] as const).map((mode) => presence(mode, Math.ceil(1_000 * scale)));
    case "revocation":
      return [200, 5_000].flatMap((count) => revocation(Math.ceil(count * scale)));
  }
}

/** So many readers of one room, by event streams, by sockets, and both beside each other. */
function streams(readers: number): Case[] {
  const events = { by: "events" as const, perRoom: readers };
  const sockets = { by: "sockets" as const, perRoom: readers };
  const one = {
    kind: "audience" as const,
    server: {},
    rooms: 1,
    roomsPerConnection: 1,
    publishers: { by: "sockets" as const, perRoom: 1 },
    restSeconds: HEARTBEAT_SECONDS,
    // Slower than the pace of a room with all of them (at most 250 ms), so that no message waits for the one before.
    messagesPerSecond: 4,
    warmUpMessages: 8,
    // What a publish costs is nothing beside so many readers.
    aloneMessages: 0,
    steadyMessages: 100,
    burstMessages: 100,
  };
  return [
    { ...one, title: "event streams alone", readers: [events] },
    { ...one, title: "sockets alone", readers: [sockets] },
    { ...one, title: "both at once", readers: [events, sockets] },
  ];
}

/** The same deliveries by sockets of their own and by shared ones, and then as many places as there can be no sockets for. */
function rooms(few: number, many: number): Case[] {
  const count = 200;
  const each = {
    kind: "audience" as const,
    server: {},
    rooms: count,
    restSeconds: HEARTBEAT_SECONDS,
    warmUpMessages: 2,
    burstMessages: 10,
  };
  // Readers of a room: the one that publishes came first, and woke it.
  const of = (by: "sockets" | "shared", perRoom: number) => ({
    publishers: { by, perRoom: 1 },
    readers: [{ by, perRoom: perRoom - 1 }],
  });
  const beside = { ...each, messagesPerSecond: 2 * count, aloneMessages: 10, steadyMessages: 20 };
  // Less often, so that five times the readers are no more deliveries than one thread can make.
  const most = { ...each, messagesPerSecond: count / 2, aloneMessages: 4, steadyMessages: 8 };
  const title = (readers: number, shared: string) => `${readers} readers a room, ${shared} a connection`;
  return [
    { ...beside, ...of("sockets", few), title: title(few, "1 room"), roomsPerConnection: 1 },
    { ...beside, ...of("shared", few), title: title(few, "10 rooms"), roomsPerConnection: 10 },
    { ...most, ...of("shared", many), title: title(many, "50 rooms"), roomsPerConnection: 50 },
  ];
}

function revocation(count: number): Case[] {
  const each = { kind: "revocation" as const, server: {}, rooms: count };
  const user = { ...each, seated: count, everything: false };
  const few = 200;
  const cases = [
    { ...user, title: `${count} rooms, awake`, restMs: null },
    { ...user, title: `${count} rooms, asleep`, restMs: ASLEEP_MS },
    { ...user, title: `${few} of ${count} rooms, asleep`, seated: few, restMs: ASLEEP_MS },
    { ...user, title: `everything in ${count} rooms, asleep`, everything: true, restMs: ASLEEP_MS },
  ];
  return count > few ? cases : cases.slice(0, 2);
}

function presence(mode: PresenceJob["mode"], coming: number): Case {
  const staying = Math.ceil(coming / 20);
  return { kind: "presence", title: `mode ${mode}`, server: {}, mode, staying, coming, withinMs: 10_000 };
}
