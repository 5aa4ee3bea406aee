/** Assistants: what a model is shown, and how long its answer may take. */
export const assistantLimits = {
  /** Assistants: every room goes by when each of them answers. */
  assistantsPerTenant: 20,
  /** What an assistant is told first: some pages. Its key, its model's name and what a command begins with are words. */
  assistantPromptLength: 8_192,
  assistantKeyLength: 1_024,
  assistantModelLength: 128,
  assistantPrefixLength: 32,
  /** Messages of the room that a model is shown: each answer pays for all of them. */
  assistantHistoryDefault: 20,
  assistantHistoryMax: 100,
  assistantTokensMax: 131_072,
  /** What a model is shown of a room at most, in UTF-16 units: some 20,000 tokens. */
  assistantHistoryUnits: 65_536,
  /** How long an endpoint may be silent, before its answer and within it: a machine of one's own may think long. */
  assistantSilenceMsMin: 1_000,
  assistantSilenceMsMax: 120_000,
  assistantSilenceMsDefault: 30_000,
  /** One answer as a whole, and all bytes of it: each piece of a text comes wrapped in some 200 bytes. */
  assistantMsMax: 600_000,
  assistantBytesMax: 33_554_432,
  /** Of one event of it: a whole answer at once passes, each unit of it escaped. What is parsed takes a multiple of it. */
  assistantEventUnits: 1_048_576,
  /** An answer of which nothing has come is asked for again, so often in all, after pauses that double. */
  assistantAttempts: 3,
  assistantPauseMs: 500,
  /** That somebody asks too often is said to that user so often at most: each time it is a message that everybody reads. */
  assistantNoteMs: 60_000,
  /** Who is told to come again later than that gives up: somebody is waiting. */
  assistantRetryAfterMs: 10_000,
  /** In one room: what is answered at once, and what waits for it. */
  assistantAnswers: 3,
  assistantWaiting: 20,
  /** A question that could not be answered for so long is not answered any more. */
  assistantQuestionMs: 300_000,
  /** While an endpoint is silent, so often its message is shown to be alive, and looked at whether somebody has cancelled it. */
  assistantPulseMs: 1_000,
  /** After a loss of memory, what was being answered is looked after this much later. */
  assistantWatchMs: 5_000,
  /** How long whoever asks over HTTP waits for the answer to begin. */
  assistantBeginMs: 20_000,
} as const;
