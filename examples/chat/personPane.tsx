/** One person: a client of their own, the rooms, and the one that is open. */
import { type Client, createClient } from "parley/client";
import { ParleyProvider } from "parley/react";
import { type ReactElement, useEffect, useState } from "react";
import { newToken, type Person } from "./access.ts";
import { ConnectionBanner } from "./connectionBanner.tsx";
import { FileAccess, type GetToken } from "./files.tsx";
import { RoomPane } from "./roomPane.tsx";
import { RoomTabs } from "./roomTabs.tsx";

interface PersonPaneProps {
  readonly apiKey: string;
  readonly person: Person;
}

interface Session {
  readonly client: Client;
  readonly getToken: GetToken;
}

export function PersonPane({ apiKey, person }: PersonPaneProps): ReactElement {
  const session = useSession(apiKey, person);
  const [room, setRoom] = useState("general");
  const { user, name } = person;
  return (
    <section className="pane" data-user={user} aria-label={name}>
      {session !== null && (
        <ParleyProvider client={session.client}>
          <FileAccess value={session.getToken}>
            <header className="person">
              <span className="avatar" data-of={user} aria-hidden="true">
                {name.slice(0, 1)}
              </span>
              <h2>{name}</h2>
              <RoomTabs room={room} onOpen={setRoom} />
            </header>
            <ConnectionBanner />
            <RoomPane key={room} name={room} person={person} />
          </FileAccess>
        </ParleyProvider>
      )}
    </section>
  );
}

/** A client for as long as the pane is there. Strict mode makes it twice and closes the first one. */
function useSession(apiKey: string, person: Person): Session | null {
  const [session, setSession] = useState<Session | null>(null);
  useEffect(() => {
    const getToken: GetToken = (options) => newToken(apiKey, person, options?.signal ?? null);
    const client = createClient({ url: location.origin, getToken });
    setSession({ client, getToken });
    return () => client.close();
  }, [apiKey, person]);
  return session;
}
