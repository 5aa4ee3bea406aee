/** The loads of PERFORMANCE.md: subscribers of one room × messages a second. */
export interface FanOutLoad {
  name: string;
  sockets: number;
  messagesPerSecond: number;
}

export const fanOutLoads: readonly FanOutLoad[] = [
  { name: "200x20", sockets: 200, messagesPerSecond: 20 },
  { name: "200x200", sockets: 200, messagesPerSecond: 200 },
  { name: "500x100", sockets: 500, messagesPerSecond: 100 },
  { name: "100x1000", sockets: 100, messagesPerSecond: 1000 },
];

/** 5,000 messages at once; the rounds only give the quiet reads beside them enough samples for a percentile. */
export const burstLoad = { sockets: 50, messagesPerSocket: 100, rounds: 3, quietEveryMs: 5 };
