/** One connection that is being opened or is open, whatever carries it. It never comes back by itself. */
import type { PresenceMode } from "../protocol/session.ts";
import type { ServerFrame } from "../protocol/serverFrames.ts";
import type { Ending } from "./ending.ts";

export type Transport = "websocket" | "sse";

/** A frame, and of which room it is; without one it is of the connection. */
export type Addressed = ServerFrame & { readonly room?: string };

/** How a room is entered. */
export interface Wish {
  readonly room: string;
  readonly cursor: string | null;
  readonly backlog: number | undefined;
  readonly presence: PresenceMode | undefined;
}

export interface LinkEvents {
  readonly onOpen: () => void;
  readonly onFrame: (frame: Addressed) => void;
  /** Once, and nothing after it. Not after `close()`. */
  readonly onEnd: (ending: Ending & { readonly opened: boolean }) => void;
}

export interface Link {
  readonly transport: Transport;
  /** With how it stands whenever it must be told again. */
  readonly join: (room: string, wish: () => Wish, ref: string) => void;
  readonly leave: (room: string, ref: string) => void;
  /** False where it cannot be said. */
  readonly send: (frame: object) => boolean;
  readonly renew: (token: string, ref: string) => void;
  /** The device has woken up: is it still there? */
  readonly check: () => void;
  readonly close: () => void;
}
