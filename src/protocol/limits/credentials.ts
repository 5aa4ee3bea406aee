/** Keys, tokens and tickets, and whose word is taken for them. */
export const credentialLimits = {
  tokenSecondsMax: 86_400,
  tokenSecondsDefault: 3_600,
  tokenBytes: 8_192,
  tokenRooms: 100,
  tokenLeewaySeconds: 30,
  /** How long before a token expires its client is told: time to fetch another one. */
  tokenNoticeMs: 60_000,
  /** New tokens on one connection: each costs a signature and a question to the tenant, and one that lives shorter is no use. */
  refreshesPerMinute: 6,
  /** A room looks at its sockets' tokens at most this often: what falls due meanwhile is done in one go, by one alarm. */
  tokenLookMs: 5_000,
  /** The Worker ends what it holds. A room that still has such a socket this much later ends it in its place. */
  tokenBackstopMs: 10_000,
  /** A ticket stands in a URL, which ends in logs: time to open a stream with it, not to find it there. */
  ticketSeconds: 60,
  keysPerTenant: 100,
  /** Identity providers, and the patterns in what one gives to tokens that name no rooms: all of it is part of the policy. */
  issuersPerTenant: 10,
  issuerRooms: 20,
  /** An identity provider is asked for its keys again after the first; while it is away, they go on until the second. */
  jwksFreshMs: 600_000,
  jwksHeldMs: 86_400_000,
  /** At most this often for a key that is not among those known; sooner while none is known at all. */
  jwksCooldownMs: 30_000,
  jwksRetryMs: 5_000,
  /** Of an isolate: a provider that hangs holds a question for 5 seconds. */
  jwksAtOnce: 48,
  jwksAtOncePerTenant: 4,
  /** Of the 128 MB that an isolate has, with the parsed keys some 20. */
  jwksKept: 2_000,
  jwksKeptCharacters: 4_194_304,
  /** Tenants that a token only claims, and that this isolate knows nothing of: how many are looked up in a second, a read each. */
  strangersPerSecond: 200,
} as const;
