/** A page of all hooks, in strict mode, that does what a test tells it. */
import { Component, type ReactNode, StrictMode, useLayoutEffect } from "react";
import { createRoot, hydrateRoot, type Root } from "react-dom/client";
import { type Client, createClient } from "../../../src/client/client.ts";
import {
  ParleyProvider,
  useConnection,
  useMessages,
  usePresence,
  useRoom,
  useRoomState,
  useTyping,
} from "../../../src/client/react/react.ts";
import { Greeting } from "./greeting.ts";

interface Shown {
  readonly room: string;
  readonly window?: number;
  readonly user?: string;
}

/** How often each was rendered, by room and name. */
const renders: Record<string, number> = {};
const complaints: string[] = [];
const counted = (name: string): void => {
  renders[name] = (renders[name] ?? 0) + 1;
};

function Messages({ room: name, window }: Shown): ReactNode {
  const room = useRoom(name);
  const view = useMessages(room, window === undefined ? {} : { window });
  const { messages, status, hasMore, loadOlder, showLatest, publish, retry, discard } = view;
  counted(`messages of ${name}`);
  return (
    <section aria-label={`messages of ${name}`} data-status={status} data-more={hasMore}>
      <ol>
        {messages.map(({ key, nonce, delivery, text, error }) => (
          <li key={key} data-delivery={delivery}>
            <span>{text}</span>
            {delivery === "failed" && (
              <>
                <em>{error?.code}</em>
                <button onClick={() => void retry(nonce)}>Retry</button>
                <button onClick={() => discard(nonce)}>Discard</button>
              </>
            )}
          </li>
        ))}
      </ol>
      <button onClick={() => void loadOlder()}>Older</button>
      <button onClick={showLatest}>Latest</button>
      <button onClick={(event) => void publish({ text: event.currentTarget.value })} className="publish">
        Publish
      </button>
    </section>
  );
}

function Here({ room: name }: Shown): ReactNode {
  const { members, count, set } = usePresence(useRoom(name));
  counted(`here of ${name}`);
  return (
    <section aria-label="here" data-count={count}>
      <button onClick={() => set({ away: true })}>Away</button>
      {members.map(({ user, state }) => `${user}${JSON.stringify(state)}`).join(" ")}
    </section>
  );
}

function Typing({ room: name }: Shown): ReactNode {
  const { typing, onInput } = useTyping(useRoom(name));
  counted(`typing of ${name}`);
  return (
    <section aria-label="typing">
      <input aria-label="text" onInput={onInput} />
      <p>{typing.map(({ user, name: shown }) => `${user}:${shown}`).join(" ")}</p>
    </section>
  );
}

function Connection(): ReactNode {
  const { state, transport, retryAtMs, error, connect } = useConnection();
  counted("connection");
  return (
    <section aria-label="connection">
      <p>{[state, transport, retryAtMs !== null && retryAtMs > Date.now(), error?.code].join(" ")}</p>
      <button onClick={connect}>Connect</button>
    </section>
  );
}

/** Many who show the same, each of which takes its time: React pauses between them. */
function Crowd({ room: name }: Shown): ReactNode {
  return (
    <section aria-label="crowd">
      {Array.from({ length: 20 }, (_, index) => (
        <Slow key={index} room={name} />
      ))}
      <Compared room={name} />
    </section>
  );
}

function Slow({ room: name }: Shown): ReactNode {
  const count = useRoomState(useRoom(name), ({ messages }) => messages.length);
  for (const untilMs = performance.now() + 1; performance.now() < untilMs;);
  return <b>{count}</b>;
}

function Compared({ room: name }: Shown): ReactNode {
  const count = useRoomState(useRoom(name), ({ messages }) => messages.length);
  useLayoutEffect(() => {
    const shown = new Set([...document.querySelectorAll("[aria-label=crowd] b")].map(({ textContent }) => textContent));
    if (shown.size !== 1) complaints.push(`torn: ${[...shown].join()}`);
  });
  return <i>{count}</i>;
}

class Boundary extends Component<{ readonly children: ReactNode }> {
  override componentDidCatch(error: unknown): void {
    complaints.push(String(error));
  }
  override render(): ReactNode {
    return this.props.children;
  }
}

const scenes = { Messages, Here, Typing, Connection, Crowd };
const clients: Record<string, Client> = {};
let root: Root | null = null;

const driver = {
  renders,
  complaints,
  /** A user's client, of the page itself. */
  client(user: string): Client {
    const getToken = (): Promise<string> => fetch(`/token/${user}`).then((answer) => answer.text());
    return (clients[user] ??= createClient({ url: location.origin, getToken }));
  },
  show(wanted: readonly (Shown & { readonly scene: keyof typeof scenes; readonly key?: string })[]): void {
    root ??= createRoot(document.body);
    root.render(
      <StrictMode>
        <Boundary>
          {wanted.map(({ scene, key, ...shown }, index) => {
            const Scene = scenes[scene];
            return (
              <ParleyProvider key={key ?? index} client={driver.client(shown.user ?? "ada")}>
                <Scene {...shown} />
              </ParleyProvider>
            );
          })}
        </Boundary>
      </StrictMode>,
    );
  },
  hydrate(html: string): void {
    const place = document.createElement("main");
    place.innerHTML = html;
    document.body.append(place);
    hydrateRoot(
      place,
      <StrictMode>
        <Greeting client={driver.client("ada")} room="greeting" />
      </StrictMode>,
      { onRecoverableError: (error) => complaints.push(String(error)) },
    );
  },
};

Object.assign(globalThis, { driver });
