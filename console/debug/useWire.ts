/** The one connection of the debug console. Who leaves the page closes it. */
import { useEffect, useRef, useState } from "react";
import type { FrameLog } from "./frameLog.ts";
import { openWire, type Wire, type WireOptions, type WireState } from "./wire.ts";

export interface WireControl {
  /** Null before the first one. */
  readonly state: WireState | null;
  readonly rooms: readonly string[];
  /** Why it did not come to be, or why a frame was not sent. */
  readonly error: unknown;
  readonly open: (options: WireOptions) => void;
  readonly close: () => void;
  /** Null while nothing can be sent. */
  readonly send: ((text: string) => void) | null;
}

export function useWire(log: FrameLog): WireControl {
  const wire = useRef<Wire | null>(null);
  const [state, setState] = useState<WireState | null>(null);
  const [rooms, setRooms] = useState<readonly string[]>([]);
  const [canSend, setCanSend] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const attempt = useRef(0);
  useEffect(
    () => () => {
      attempt.current++;
      wire.current?.close();
    },
    [],
  );
  const open = (options: WireOptions): void => {
    wire.current?.close();
    // What the one before still tells is not of this one.
    const own = ++attempt.current;
    const unless = (act: () => void): void => (own === attempt.current ? act() : undefined);
    setError(null);
    setRooms(options.rooms);
    setState({ name: "connecting" });
    openWire(options, log, (next) => unless(() => setState(next))).then(
      (made) => {
        if (own !== attempt.current) return made.close();
        wire.current = made;
        setCanSend(made.send !== null);
      },
      (cause: unknown) =>
        unless(() => {
          setState(null);
          setError(cause);
        }),
    );
  };
  const send = (text: string): void => {
    setError(null);
    wire.current?.send?.(text).catch(setError);
  };
  const isOpen = state?.name === "open";
  return { state, rooms, error, open, close: () => wire.current?.close(), send: isOpen && canSend ? send : null };
}
