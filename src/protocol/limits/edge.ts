/** What is counted before a request reaches any object, by the platform's `ratelimits`, which wrangler.toml repeats. */

export interface EdgeLimit {
  readonly binding: "ADDRESS_RATE" | "KEY_RATE" | "FAILURE_RATE";
  readonly limit: number;
  readonly periodSeconds: 10 | 60;
  readonly reason: string;
}

export const edgeLimits = {
  requestsPerAddress: {
    binding: "ADDRESS_RATE",
    limit: 2_000,
    periodSeconds: 10,
    reason: "An office behind one address, not a script that opens what it can.",
  },
  requestsPerKey: {
    binding: "KEY_RATE",
    limit: 10_000,
    periodSeconds: 10,
    reason: "Requests by an API key and by the tokens that it signed: what one tenant's server may cost the others.",
  },
  failuresPerAddress: {
    binding: "FAILURE_RATE",
    limit: 20,
    periodSeconds: 60,
    reason:
      "Credentials that are refused: a typo or a clock that is wrong, not a search. A right one is never kept out.",
  },
} as const satisfies Record<string, EdgeLimit>;
