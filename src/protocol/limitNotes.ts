/** What is said of the limits that are the same for everyone: of those that somebody meets who builds on Parley. No server needs it; the page is made of it. */
import { connectionNotes } from "./limitNotes/connections.ts";
import { credentialNotes } from "./limitNotes/credentials.ts";
import { fileNotes } from "./limitNotes/files.ts";
import { messageNotes } from "./limitNotes/messages.ts";
import { outboundNotes } from "./limitNotes/outbound.ts";
import { presenceNotes } from "./limitNotes/presence.ts";
import { requestNotes } from "./limitNotes/requests.ts";
import type { FixedNotes } from "./limitNotes/note.ts";

export const fixedLimitNotes: Readonly<Record<string, FixedNotes>> = {
  Messages: messageNotes,
  Requests: requestNotes,
  Connections: connectionNotes,
  Presence: presenceNotes,
  Credentials: credentialNotes,
  Files: fileNotes,
  "What you have us call": outboundNotes,
};
