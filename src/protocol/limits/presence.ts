/** Who is here, what they say of themselves, and who is typing. */
export const presenceLimits = {
  /** Users named in `welcome` and in the sample of a crowd: as many as leave room for the rest in its 64 KB. */
  presenceListed: 50,
  presenceListedBytes: 30_000,
  /** What one presence frame holds of users and their states, about; more waits for the next one. */
  presenceFrameBytes: 262_144,
  /** A cursor, a colour, "away": what is copied to everyone in the room. */
  presenceStateBytes: 1_024,
  /** How long a user who has no connection left is still here: a reload or a tunnel is no leaving. */
  presenceGraceMs: 10_000,
  /** At most 5 presence frames a second; above `presenceMembers` one every two seconds. */
  presenceFrameMs: 200,
  presenceCrowdFrameMs: 2_000,
  /** Receivers let a typing user go after this; a client repeats itself every 5 s while it lasts. */
  typingExpiresMs: 8_000,
  /** The same user's typing is told at most this often; what comes between says nothing new. */
  typingRepeatMs: 1_000,
} as const;
