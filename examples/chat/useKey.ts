/** Which key this tab works with. A link brings one along; where another is in use it waits for an answer, for a link may be anybody's. */
import { useCallback, useEffect, useState } from "react";
import { forgetKey, keepKey, keptKey, takeKey } from "./access.ts";

export interface TabKey {
  /** To be tried first; null where somebody has to enter one. */
  readonly first: string | null;
  /** The one that works; null until one does. */
  readonly key: string | null;
  readonly onKey: (key: string) => void;
  readonly onRefused: () => void;
  /** Of a link that was opened while another one was in use. */
  readonly offered: string | null;
  readonly keep: () => void;
  readonly change: () => void;
  readonly forget: () => void;
}

const linked = takeKey();
const kept = keptKey();
if (kept === null && linked !== null) keepKey(linked);

export function useKey(): TabKey {
  const [first, setFirst] = useState(kept ?? linked);
  const [key, onKey] = useState<string | null>(null);
  const [offered, setOffered] = useState(kept === null || kept === linked ? null : linked);
  useEffect(() => {
    // Where the page is open already, a link changes nothing but the fragment.
    const follow = (): void => {
      const next = takeKey();
      if (next === null) return;
      if (keptKey() === null) setFirst(next);
      else if (keptKey() !== next) setOffered(next);
    };
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  const onRefused = useCallback(() => {
    forgetKey();
    if (offered !== null) setFirst(offered);
    setOffered(null);
  }, [offered]);
  const change = (): void => {
    if (offered !== null) keepKey(offered);
    location.reload();
  };
  const forget = (): void => {
    forgetKey();
    location.reload();
  };
  return { first, key, onKey, onRefused, offered, keep: () => setOffered(null), change, forget };
}
