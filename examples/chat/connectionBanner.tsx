/** How the connection stands, where there is anything to say about it. */
import { useConnection } from "parley/react";
import { type ReactElement, useEffect, useState } from "react";

export function ConnectionBanner(): ReactElement {
  const { state, retryAtMs, error, connect } = useConnection();
  const seconds = useSecondsUntil(retryAtMs);
  const isFailed = state === "failed";
  // It stays in the page, so that what changes in it is read aloud.
  return (
    <div className={`connection ${state}`} data-state={state}>
      <p role="status">
        {state === "connecting" && "Connecting…"}
        {state === "waiting" && "The connection was lost. What you write is sent when it is back."}
        {state === "offline" && "You are offline. What you write is sent when you are back."}
        {isFailed && (error?.message ?? "The server lets nobody in.")}
      </p>
      {seconds !== null && <span className="fine">{seconds > 0 ? `next attempt in ${seconds} s` : "trying"}</span>}
      {(state === "waiting" || state === "offline" || isFailed) && (
        <button type="button" onClick={connect}>
          {isFailed ? "Try again" : "Try now"}
        </button>
      )}
    </div>
  );
}

function useSecondsUntil(atMs: number | null): number | null {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    if (atMs === null) return;
    setNowMs(Date.now());
    const timer = setInterval(() => setNowMs(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [atMs]);
  return atMs === null ? null : Math.max(0, Math.ceil((atMs - nowMs) / 1_000));
}
