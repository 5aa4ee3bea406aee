/** What is said of limits: messages, and how long they live. */
import type { FixedNotes } from "./note.ts";

export const messageNotes: FixedNotes = {
  dataDepth: { what: "Nesting of `data`", unit: "levels", code: "invalid_field", effect: "The message is refused." },
  nonceLengthMax: {
    what: "A nonce, of `A-Z a-z 0-9 _ -`",
    unit: "characters",
    code: "invalid_field",
    effect: "The message is refused.",
  },
  mentions: {
    what: "Users mentioned in a message",
    unit: "users",
    code: "invalid_field",
    effect: "The message is refused.",
  },
  attachments: {
    what: "Files of a message",
    unit: "files",
    code: "invalid_field",
    effect: "The message is refused.",
  },
  emojiPerMessage: {
    what: "Different emoji on a message",
    unit: "emoji",
    code: "conflict",
    effect: "The next one is refused; those that are there take more users.",
  },
  emojiBytes: { what: "One emoji", unit: "bytes", code: "invalid_field", effect: "The reaction is refused." },
  revisionsPerMessage: {
    what: "Earlier versions that a room keeps of a message",
    unit: "versions",
    code: "conflict",
    effect: "The edit is refused.",
  },
  pinsPerRoom: {
    what: "Pinned messages of a room",
    unit: "messages",
    code: "conflict",
    effect: "The next pin is refused.",
  },
  expiresInMsMin: {
    what: "Life of a message that expires, at least",
    unit: "ms",
    code: "invalid_field",
    effect: "The message is refused.",
  },
  expiresInMsMax: { what: "The same, at most", unit: "ms", code: "invalid_field", effect: "The message is refused." },
  roomStorageBytes: {
    what: "What a room holds",
    unit: "bytes",
    code: "storage_full",
    effect: "Changes are refused, reading goes on.",
  },
};
