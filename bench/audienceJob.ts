/** Readers of one or many rooms over one or several kinds of connection, what is published to them, and what is heard of it. */
import * as z from "zod";
import { Target } from "./target.ts";

/** A WebSocket of one room, an event stream of one room, or a WebSocket that many rooms share. */
const Kind = z.enum(["sockets", "events", "shared"]);

const Group = z.object({
  by: Kind,
  /** Readers in each room. */
  perRoom: z.number(),
});
export type Group = z.infer<typeof Group>;

export const AudienceJob = z.object({
  kind: z.literal("audience"),
  target: Target,
  rooms: z.array(z.string()),
  /** On each connection that is shared by several. */
  roomsPerConnection: z.number(),
  /** They come first, read like the others, and publish. */
  publishers: Group.extend({ by: Kind.exclude(["events"]) }),
  readers: z.array(Group),
  /** In which nothing is published: only pings and heartbeats. */
  restSeconds: z.number(),
  /** Over all rooms, which take turns. */
  messagesPerSecond: z.number(),
  /** Of each room: before anything counts, to the publishers alone, to everyone at the steady rate, and all at once. */
  warmUpMessages: z.number(),
  aloneMessages: z.number(),
  steadyMessages: z.number(),
  burstMessages: z.number(),
  /** The processes whose time is the server's, and those whose memory its connections take. */
  serverPids: z.array(z.number()),
  runtimePids: z.array(z.number()),
});
export type AudienceJob = z.infer<typeof AudienceJob>;

const GroupResult = z.object({
  by: Kind,
  connections: z.number(),
  /** Pairs of a connection and a room that it reads. */
  places: z.number(),
  /** What the runtime grew by while they came, for each place. */
  kilobytesPerPlace: z.number(),
  openFilesPerPlace: z.number(),
  /** Of the messages at the steady rate. */
  p50Ms: z.number(),
  p99Ms: z.number(),
  maxMs: z.number(),
  /** When the last message of the burst was read, counted from when it was sent. */
  burstMs: z.number(),
  missing: z.number(),
  duplicates: z.number(),
  /** Places where the seqs of `changes` did not follow each other from the first message to the last, or an event's id was not its own seq. */
  broken: z.number(),
});
export type GroupResult = z.infer<typeof GroupResult>;

const Span = z.object({
  /** The server's time over all deliveries: the publishing is in it. */
  cpuUsPerDelivery: z.number(),
  deliveriesPerSecond: z.number(),
  /** Deliveries that came in one frame or event, on average: a send costs the same for one as for many. */
  deliveriesPerFrame: z.number(),
  /** Shares of one processor. */
  generatorBusy: z.number(),
  othersBusy: z.number(),
});

export const AudienceResult = z.object({
  /** The publishers first. */
  groups: z.array(GroupResult),
  steady: Span,
  burst: Span,
  /** What a message cost before the readers came; null where none was published then. */
  aloneCpuUsPerMessage: z.number().nullable(),
  /** What each delivery to the readers cost beyond that, at the steady rate. */
  cpuUsPerDeliveryBeyond: z.number(),
  /** The server's time for each second and place in which nothing is published. */
  restCpuUsPerPlaceSecond: z.number(),
  /** What the runtime had grown by after the burst, for each place of all groups. */
  kilobytesPerPlaceAfter: z.number(),
  /** Messages that were neither acked nor refused. */
  unanswered: z.number(),
  refused: z.number(),
  firstRefusal: z.string().nullable(),
  /** Why connections went that should have stayed. */
  closed: z.array(z.string()),
});
export type AudienceResult = z.infer<typeof AudienceResult>;
