/** Which client the hooks below it speak to. */
import { createContext, createElement, type ReactElement, type ReactNode, useContext } from "react";
import type { Client } from "../client.ts";

const ClientContext = createContext<Client | null>(null);

export interface ParleyProviderProps {
  /** Made once, outside of components or in a state: who makes it closes it. */
  readonly client: Client;
  readonly children?: ReactNode;
}

export function ParleyProvider({ client, children }: ParleyProviderProps): ReactElement {
  return createElement(ClientContext.Provider, { value: client }, children);
}

/** The client of the nearest `ParleyProvider`. Throws where there is none. */
export function useClient(): Client {
  const client = useContext(ClientContext);
  if (client === null) throw new Error("No <ParleyProvider> above this component.");
  return client;
}
