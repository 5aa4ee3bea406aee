/** Revocations, bans, word lists, hooks: what a tenant decides, and how far it is told. */
export const moderationLimits = {
  /** In force at a time, each for a day: who has more to revoke names a key, or a time. */
  revocationsPerTenant: 100_000,
  /** Of these, what every edge is given every few seconds; beyond it an edge asks about each credential. */
  revocationsListed: 1_000,
  /** Of the last minute's, what every room with sockets is given with each decision; beyond it a room asks. */
  revocationsPushed: 100,
  /** So long a room is told of a revocation: more than an edge may go by an older policy, and a call may be on its way. */
  revocationPushMs: 60_000,
  /** Of users, tokens and keys in a room, told to its tenant when all is quiet: with more, it is told of every revocation. */
  namesTold: 1_000,
  /** Rooms told in one step of what those must know that sleep, too. Each wakes for it, which is no hurry. */
  toldPerStep: 50,
  reasonLength: 256,
  /**
   * Of a tenant's bans, what every edge is given every few seconds; beyond it an edge asks about each user. Rooms are given as many
   * shadow bans, and as many others; beyond it a room asks about all who are there.
   */
  bansListed: 1_000,
  /** So long rooms are told of a ban: more than an edge may go by an older policy, and a call may be on its way. */
  banPushMs: 60_000,
  /** How long a tenant's hook may think: its senders wait, and take a retry for lost after a while. */
  hookMsMin: 50,
  hookMsMax: 2_000,
  /** What may wait for a hook: of one user, and in a room, where each is an open connection. */
  inquiriesPerUser: 20,
  inquiriesPerRoom: 1_000,
  /** Of a tenant's word list: what a room keeps in memory and in its row. */
  words: 1_000,
  wordLength: 64,
  /** Six hours: longer than that is not slow but shut, for which there is `frozen`. */
  slowModeMsMax: 21_600_000,
  /** Where slow mode has just begun, a user's last message is looked for among so many of the newest. */
  slowModeSearched: 1_000,
} as const;
