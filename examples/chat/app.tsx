/** Who is shown: the gate while there is no key that works, then Ada and Bo, or one of them. */
import { type ReactElement, useEffect, useState } from "react";
import { people, tenantOf } from "./access.ts";
import { Gate } from "./gate.tsx";
import { useIsWide } from "./isWide.ts";
import { OtherKey } from "./otherKey.tsx";
import { PersonPane } from "./personPane.tsx";
import { useKey } from "./useKey.ts";

export function App(): ReactElement {
  const { first, key, onKey, onRefused, offered, keep, change, forget } = useKey();
  return (
    <>
      <a className="skip" href="#main">
        Skip to the chat
      </a>
      <header className="top">
        <a className="brand" href="/">
          <img src="/favicon.svg" alt="" width="24" height="24" />
          Parley
        </a>
        <h1>Chat demo</h1>
        {key !== null && (
          <>
            <p className="tenant">
              <span>Tenant</span> <b>{tenantOf(key)}</b>
            </p>
            <button className="quiet" type="button" onClick={forget}>
              Forget the key
            </button>
          </>
        )}
      </header>
      <main id="main" tabIndex={-1}>
        {key === null ? (
          <Gate key={first} first={first} onKey={onKey} onRefused={onRefused} />
        ) : (
          <Conversation apiKey={key} />
        )}
        {key !== null && offered !== null && (
          <OtherKey key={offered} current={key} offered={offered} onKeep={keep} onChange={change} />
        )}
      </main>
    </>
  );
}

type View = "both" | "ada" | "bo";

/** Side by side where there is room for it. `?as=ada` shows one of them alone, so that two windows can talk. */
function Conversation({ apiKey }: { readonly apiKey: string }): ReactElement {
  const isWide = useIsWide();
  const [wanted, setView] = useState<View>(viewOf(location.search));
  const view = wanted === "both" && !isWide ? "ada" : wanted;
  useEffect(() => history.replaceState(null, "", wanted === "both" ? location.pathname : `?as=${wanted}`), [wanted]);
  const choices: readonly (readonly [View, string])[] = [
    ...(isWide ? [["both", "Side by side"] as const] : []),
    ["ada", "As Ada"],
    ["bo", "As Bo"],
  ];
  return (
    <>
      <nav className="views" aria-label="Who is shown">
        {choices.map(([choice, text]) => (
          <button key={choice} type="button" aria-pressed={choice === view} onClick={() => setView(choice)}>
            {text}
          </button>
        ))}
      </nav>
      <div className={`panes ${view}`}>
        {people
          .filter(({ user }) => view === "both" || view === user)
          .map((person) => (
            <PersonPane key={person.user} apiKey={apiKey} person={person} />
          ))}
      </div>
    </>
  );
}

function viewOf(search: string): View {
  const wanted = new URLSearchParams(search).get("as");
  return wanted === "ada" || wanted === "bo" ? wanted : "both";
}
