/** What a message may hold, and how much of it is kept and shown. */
export const messageLimits = {
  /** Messages in one batch over HTTP: one transaction, in which the room does nothing else. */
  messagesPerBatch: 100,
  /** Rooms of one broadcast: each is a call, of which the platform allows 1,000 in one request, three attempts each. */
  roomsPerBroadcast: 100,
  /** How long a broadcast waits for one of its rooms: six that hang must not keep all others from being asked. */
  broadcastMsMax: 10_000,
  /** Levels of nesting in `data`: deeper JSON costs readers their stack. */
  dataDepth: 32,
  nonceLengthMin: 8,
  nonceLengthMax: 64,
  refLength: 32,
  mentions: 50,
  attachments: 10,
  /** Different emoji on one message, and the UTF-8 bytes of one: a family with skin tones has 25 to 28. */
  emojiPerMessage: 20,
  emojiBytes: 32,
  /** All go with their message: into one page of an export, and out in one pass. */
  revisionsPerMessage: 50,
  /** What a room sets before everybody's eyes is read, and not searched. */
  pinsPerRoom: 100,
  /** Users named per emoji in a message; the whole list is a page of its own. */
  reactionUsersListed: 10,
  expiresInMsMin: 1_000,
  expiresInMsMax: 365 * 86_400_000,
} as const;
