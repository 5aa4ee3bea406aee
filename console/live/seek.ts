/** Brings a message into sight that may not be loaded yet: what is older is loaded until it is there. */
import { useCallback, useEffect, useRef, useState } from "react";
import type { Message, Room } from "../../src/client/client.ts";
import { heldMessage } from "./slidingWindow.ts";

export interface Seeking {
  readonly id: number;
  /** `gone`: what is around it is loaded, and it is not there. */
  readonly state: "looking" | "gone" | "failed";
  readonly error: unknown;
}

export interface Seeker {
  /** Null while no message is looked for. */
  readonly seeking: Seeking | null;
  readonly seek: (id: number) => void;
  readonly stop: () => void;
}

/** `show` brings into sight what is loaded, and says whether it was. The same function for as long as the room is shown. */
export function useSeeker(room: Room, messages: readonly Message[], show: (id: number) => boolean): Seeker {
  const [seeking, setSeeking] = useState<Seeking | null>(null);
  const looking = useRef(new AbortController());
  const stop = useCallback(() => {
    looking.current.abort();
    setSeeking(null);
  }, []);
  const seek = useCallback(
    (id: number) => {
      looking.current.abort();
      if (show(id)) return setSeeking(null);
      const { signal } = (looking.current = new AbortController());
      setSeeking({ id, state: "looking", error: null });
      loadBackTo(room, id, signal)
        .then((isThere) => !isThere && !signal.aborted && setSeeking({ id, state: "gone", error: null }))
        .catch((error: unknown) => !signal.aborted && setSeeking({ id, state: "failed", error }));
    },
    [room, show],
  );
  useEffect(() => () => looking.current.abort(), []);
  // What has been loaded is in the page only now.
  useEffect(() => {
    if (seeking?.state === "looking" && heldMessage(messages, seeking.id) !== null && show(seeking.id))
      setSeeking(null);
  }, [seeking, messages, show]);
  return { seeking, seek, stop };
}

/** False where it is not in the room any more, or nobody waits for it. */
async function loadBackTo(room: Room, id: number, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    const { messages, hasMore } = room.snapshot;
    if (heldMessage(messages, id) !== null) return true;
    const oldest = messages[0]?.id;
    if (!hasMore || oldest === undefined || oldest < id) return false;
    await room.history({ limit: 200, signal });
    // The timeline may have asked for the same page, and then it is on its way.
    if (room.snapshot.messages[0]?.id === oldest && room.snapshot.hasMore) await nextChange(room, signal);
  }
  return false;
}

const patienceMs = 1_000;

function nextChange(room: Room, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      leave();
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const leave = room.subscribe(done);
    const timer = setTimeout(done, patienceMs);
    signal.addEventListener("abort", done);
  });
}
