/** What can be done with a message. The same functions for as long as the room is shown, so that rows are drawn once. */
import type { Message } from "../../src/client/client.ts";

/** What a dialog is about. */
export type Asking =
  | { readonly what: "edit" | "delete"; readonly message: Message }
  | { readonly what: "moderate"; readonly user: string };

export interface Deeds {
  /** Opens a dialog. */
  readonly ask: (asking: Asking) => void;
  readonly replyTo: (message: Message) => void;
  readonly pin: (id: number, isPinned: boolean) => void;
  readonly react: (id: number, emoji: string, isOwn: boolean) => void;
  readonly stop: (id: number) => void;
  /** Brings a message into sight, which may have to be loaded first. */
  readonly show: (id: number) => void;
}
