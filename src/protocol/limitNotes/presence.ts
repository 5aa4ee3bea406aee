/** What is said of limits: who is here, and who is typing. */
import type { FixedNotes } from "./note.ts";

export const presenceNotes: FixedNotes = {
  presenceStateBytes: {
    what: "A user's state",
    unit: "bytes",
    code: "too_large",
    effect: "The state is refused; the last one stays.",
  },
  presenceGraceMs: {
    what: "A user without a connection is still here",
    unit: "ms",
    code: null,
    effect: "Then `left` is told.",
  },
  presenceListed: { what: "Users in `welcome`", unit: "users", code: null, effect: "`presence.get` has the others." },
  typingExpiresMs: { what: "Typing that is not repeated", unit: "ms", code: null, effect: "Receivers let it go." },
};
