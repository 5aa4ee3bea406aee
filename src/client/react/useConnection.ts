/** How the connection stands. */
import { useCallback, useMemo, useSyncExternalStore } from "react";
import type { ConnectionState, ParleyError, Transport } from "../client.ts";
import { useClient } from "./provider.ts";

export interface ConnectionView {
  readonly state: ConnectionState["name"];
  /** How many attempts have been made since a connection held. */
  readonly attempt: number;
  /** While it is `connected`. */
  readonly transport: Transport | null;
  /** While it is `waiting` or `offline`: when the next attempt comes. Milliseconds, as of `Date.now()`. */
  readonly retryAtMs: number | null;
  /** Why it is `waiting`, `offline` or `failed`. */
  readonly error: ParleyError | null;
  /** Tries again at once. */
  readonly connect: () => void;
}

const idle: ConnectionState = { name: "idle" };

export function useConnection(): ConnectionView {
  const client = useClient();
  const subscribe = useCallback((listener: () => void) => client.on("state", listener), [client]);
  const connect = useCallback(() => client.connect(), [client]);
  const state = useSyncExternalStore(
    subscribe,
    () => client.state,
    () => idle,
  );
  return useMemo(() => {
    const { name, ...rest } = state;
    return { attempt: 0, transport: null, retryAtMs: null, error: null, ...rest, state: name, connect };
  }, [state, connect]);
}
