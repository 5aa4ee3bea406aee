/** What is said of limits: keys, tokens, tickets, and revocations of them. */
import type { FixedNotes } from "./note.ts";

export const credentialNotes: FixedNotes = {
  tokenSecondsMax: { what: "Life of a token", unit: "s", code: "token_invalid", effect: "A longer one is refused." },
  tokenLeewaySeconds: {
    what: "Clocks may differ by",
    unit: "s",
    code: "token_expired",
    effect: "After it a token is refused, and its connections are closed.",
  },
  tokenBytes: {
    what: "A token",
    unit: "bytes",
    code: "too_large",
    effect: "It is not made: name fewer rooms, or patterns.",
  },
  tokenRooms: {
    what: "Patterns of rooms in a token",
    unit: "patterns",
    code: "invalid_field",
    effect: "It is not made.",
  },
  refreshesPerMinute: {
    what: "New tokens on a connection, in a minute",
    unit: "tokens",
    code: "rate_limited",
    effect: "The new one is refused, the old one holds.",
  },
  ticketSeconds: {
    what: "Life of a ticket, for one opening",
    unit: "s",
    code: "token_expired",
    effect: "Make another one.",
  },
  keysPerTenant: { what: "API keys of a tenant", unit: "keys", code: "quota_exceeded", effect: "Remove one first." },
  issuersPerTenant: {
    what: "Identity providers of a tenant",
    unit: "providers",
    code: "quota_exceeded",
    effect: "Remove one first.",
  },
  revocationsPerTenant: {
    what: "Revocations in force",
    unit: "revocations",
    code: "quota_exceeded",
    effect: "Revoke a key, or everything before a time.",
  },
};
