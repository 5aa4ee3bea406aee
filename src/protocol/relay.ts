/** What our own Worker says to a room on a socket that it holds, and no client can: such a room decodes frames of clients only. */
import * as z from "zod";
import { Session } from "./session.ts";

/** The client has a new token, which the Worker has verified. */
export const SessionFrame = z.strictObject({ type: z.literal("session"), session: Session });
type SessionFrame = z.infer<typeof SessionFrame>;

const beginning = '{"type":"session",';

export function sessionFrame(session: Session): string {
  return JSON.stringify({ type: "session", session } satisfies SessionFrame);
}

/** Null for everything else. Throws for one that is not whole: it is ours. */
export function sessionOf(raw: string | ArrayBuffer): Session | null {
  return typeof raw === "string" && raw.startsWith(beginning) ? SessionFrame.parse(JSON.parse(raw)).session : null;
}
