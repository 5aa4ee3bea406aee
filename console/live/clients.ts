/** The SDK's clients of this tab: one for each key and user, so that all that is shown of it shares one connection. */
import { type Client, createClient } from "../../src/client/client.ts";
import type { RoomCapability } from "../../src/protocol/capabilities.ts";
import { steadyApi } from "../api.ts";
import { clientError } from "./refused.ts";
import { mintToken } from "./rights.ts";

const clients = new Map<string, Client>();

/** It is connected while a room of it is shown, and holds nothing else. */
export function clientAs(user: string, keyId: string, rights: readonly RoomCapability[]): Client {
  const name = `${keyId} ${user}`;
  const known = clients.get(name);
  if (known !== undefined) return known;
  // It asks for tokens time and again, and always with the key for which it was made.
  const steady = steadyApi();
  const made = createClient({
    url: location.origin,
    getToken: async () => {
      try {
        return await mintToken(steady, user, { "*": [...rights] });
      } catch (error) {
        throw clientError(error);
      }
    },
  });
  clients.set(name, made);
  return made;
}

/** Another key is used from now on: what waits to be published by them is given up. */
export function closeClients(): void {
  for (const client of clients.values()) client.close();
  clients.clear();
}
