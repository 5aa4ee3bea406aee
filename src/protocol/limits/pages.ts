/** What is read at once: pages, replays, what is unread. */
export const pageLimits = {
  backlogDefault: 50,
  backlogMax: 200,
  pageDefault: 50,
  /** A `changes` frame of a replay, so that a reader can begin before all has arrived. */
  changesFrameBytes: 262_144,
  receiptsListed: 50,
  bodyBytes: 131_072,
  /** Seconds that `changes` may wait: shorter than the patience of proxies. */
  waitSecondsMax: 30,
  /** Unread messages are counted up to this, and looked for among so many of the newest. */
  unreadCounted: 100,
  unreadSearched: 1_000,
  unreadRooms: 100,
} as const;
