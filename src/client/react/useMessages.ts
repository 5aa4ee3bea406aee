/** The newest messages of a room, older ones when they are asked for, and one's own from the moment they are published. */
import { useMemo, useSyncExternalStore } from "react";
import type { Room } from "../client.ts";
import { MessageWindow, type MessagesView } from "./messageWindow.ts";
import { storeOf } from "./roomStore.ts";

export interface MessagesOptions {
  /** How many of the newest are shown, and how many `loadOlder` adds: 1 to 200, 50 by default. */
  readonly window?: number;
}

export function useMessages<Data>(room: Room<Data>, { window = 50 }: MessagesOptions = {}): MessagesView<Data> {
  const part = useMemo(() => new MessageWindow(storeOf(room), window), [room, window]);
  return useSyncExternalStore(part.subscribe, part.get, part.getBefore);
}
