/** What is said of limits: requests over HTTP. */
import type { FixedNotes } from "./note.ts";

export const requestNotes: FixedNotes = {
  bodyBytes: {
    what: "A body over HTTP, but for files and imports",
    unit: "bytes",
    code: "too_large",
    effect: "The request is refused.",
  },
  messagesPerBatch: {
    what: "Messages of a batch over HTTP",
    unit: "messages",
    code: "invalid_field",
    effect: "The batch is refused.",
  },
  roomsPerBroadcast: {
    what: "Rooms of a broadcast",
    unit: "rooms",
    code: "invalid_field",
    effect: "The broadcast is refused.",
  },
  broadcastMsMax: {
    what: "What a room of it may take",
    unit: "ms",
    code: "overloaded",
    effect: "That room answers so; the others go on.",
  },
  waitSecondsMax: {
    what: "`wait` of `…/changes`",
    unit: "s",
    code: "invalid_field",
    effect: "The request is refused.",
  },
  searchQueryLength: {
    what: "A search",
    unit: "characters",
    code: "invalid_field",
    effect: "The search is refused.",
  },
  searchWords: { what: "Words of a search", unit: "words", code: "invalid_field", effect: "The search is refused." },
  unreadRooms: {
    what: "Rooms of one `GET /v1/unread`",
    unit: "rooms",
    code: "invalid_field",
    effect: "The request is refused.",
  },
  unreadCounted: {
    what: "Unread messages and mentions are counted",
    unit: "messages",
    code: null,
    effect: "Where there are more, this is said.",
  },
};
