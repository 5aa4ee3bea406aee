/** What lies on a socket while the room sleeps: 16,384 bytes at most, around it what partyserver keeps there. */
import * as z from "zod";
import { MessageId } from "../../protocol/message.ts";
import { PresenceMode, Session } from "../../protocol/session.ts";

export const Attachment = z.object({
  session: Session,
  /** The `X-Request-Id` by which it came; empty for one that our own Worker holds, and one of an older version. */
  request: z.string().default(""),
  presence: PresenceMode,
  /** The other end is our own Worker, which passes the frames on as an event stream or among those of other rooms. */
  relayed: z.boolean(),
  /** The one message of which it hears, and of nothing else (listen.ts). */
  listensTo: MessageId.nullable().default(null),
  /** What the user said by `presence.set` on this socket, or inherited from another of the same user. */
  state: z.object({ value: z.unknown(), setAtMs: z.int() }).nullable(),
  /** Which of its user's sockets is the newest. */
  order: z.number(),
  /** Whether the others were told that the user is here. */
  told: z.boolean(),
  /** When its client is told that its token ends; null when it has been, and where the room does not tell it. */
  noticeAtMs: z.int().nullable().default(null),
  /** When a frame came, give or take `fixedLimits.seenEveryMs`. Pings are answered by the platform and remembered there. */
  seenAtMs: z.int(),
});
export type Attachment = z.infer<typeof Attachment>;

/** It was written by another version of this code, perhaps. */
const Stored = z.object({ __pk: z.looseObject({ id: z.string() }), __user: Attachment });

// partyserver lays methods of its own over a socket's, which see `__user` only; the platform's see all, on every socket.
const platform = WebSocket.prototype;

/** Null when it cannot be read. */
export function readAttachment(socket: WebSocket): Attachment | null {
  const stored = Stored.safeParse(platform.deserializeAttachment.call(socket));
  return stored.success ? stored.data.__user : null;
}

export function writeAttachment(socket: WebSocket, attachment: Attachment): void {
  const stored = z.object({ __pk: z.unknown() }).parse(platform.deserializeAttachment.call(socket));
  platform.serializeAttachment.call(socket, { __pk: stored.__pk, __user: attachment });
}
