/** What a tenant has us call: webhook endpoints, and what waits for them. */
export const outboundLimits = {
  /** What a tenant may have us call, and how long and how much of its answer is waited for: it must not hold up anybody else. */
  endpointUrlLength: 2_048,
  outboundMsMax: 5_000,
  outboundBytesMax: 65_536,
  /** Webhook endpoints: every room goes by what all of them want, so they are few, and name few rooms each. */
  webhooksPerTenant: 20,
  webhookRooms: 20,
  /** One delivery: as many events as fit into a body that a receiver takes by default, and as late as somebody would wait. */
  webhookBatchEvents: 100,
  webhookBatchMs: 60_000,
  /** A batch is sent when it has so much of events, about: a receiver holds a body whole before it can check its signature. */
  webhookBatchBytes: 262_144,
  /** Events that wait at one endpoint: a day of one every ten seconds. What comes beyond it is counted, and brought back by a replay. */
  webhookQueueEvents: 10_000,
  /** How long a delivery that has ended is kept: one that arrived, to look at and to know its events again; a dead letter, to retry it. */
  webhookDeliveredMs: 86_400_000,
  webhookFailedMs: 14 * 86_400_000,
  /** A receiver has so long for its whole answer, and is taken to mean at most so much by `Retry-After`. */
  webhookMsMax: 15_000,
  webhookRetryAfterMs: 86_400_000,
  /** Of the answer to a test, for a person: the first line of an error, not a way to read what stands behind an address. */
  webhookExcerpt: 256,
  /** Events that one call brings back from a room's history: it is read and queued while the caller waits. */
  webhookReplayEvents: 1_000,
  /** Deliveries of one endpoint under way, each of another room: the platform opens six connections at a time. */
  webhooksAtOnce: 5,
  /** After it began, an attempt of which nobody has learnt the end is made again. */
  webhookLeaseMs: 30_000,
  /** How long an endpoint goes by what it was told of itself, and how often one that is paused looks whether it still is. */
  webhookFreshMs: 5_000,
  webhookPausedMs: 3_600_000,
  /** An endpoint to which nothing has arrived for so long, though it was tried, is disabled. */
  webhookFailingMs: 5 * 86_400_000,
  /** After a rotation, deliveries are signed with both secrets so long. */
  webhookOverlapMs: 86_400_000,
  /** Ended deliveries removed in one step. */
  webhooksSwept: 1_000,
  /**
   * What waits in a room for one webhook endpoint that does not take it, about 100 bytes each. Beyond it nothing more is written
   * for that endpoint: it is told of the changes since from the rows, when it has this. As many of the tenant's own events wait.
   */
  outboxEvents: 10_000,
  /** Handed on in one call, as many and about as long: what a room holds of it in memory for each endpoint. */
  outboxBatchEvents: 100,
  outboxBatchUnits: 262_144,
  /** How long an endpoint's object may take: it only writes it down. */
  outboxHandMs: 10_000,
  /** When what was not taken is handed on again; the longer it waits the later, up to the second. */
  outboxAgainMs: 10_000,
  outboxRestMsMax: 300_000,
  /** How often an endpoint hears that the same user has hit the same limit. */
  exceededMs: 60_000,
} as const;
