/** Who reads. What a shadow-banned user says is shown to that user and to those who may moderate, and is not there for anybody else. */
import { may } from "../../core/rights.ts";
import type { Session } from "../../protocol/session.ts";
import type { RoomParts } from "./parts.ts";
import { standingOf } from "./standing.ts";

export interface Viewer {
  readonly user: string | null;
  readonly moderates: boolean;
}

/** To whom only what everybody sees is shown. */
export const nobody: Viewer = { user: null, moderates: false };

/** The room itself, from which nothing is hidden. */
export const itself: Viewer = { user: null, moderates: true };

export function viewerOf(parts: RoomParts, session: Session): Viewer {
  return { user: session.user, moderates: may(session, standingOf(parts, session).role, "moderate") };
}

/** `author` is whoever said what is hidden; null where the author was erased. */
export function sees({ user, moderates }: Viewer, author: string | null): boolean {
  return moderates || (user !== null && user === author);
}
