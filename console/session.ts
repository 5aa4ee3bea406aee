/** The key of this tab. It stays in sessionStorage: no other tab has it, and it is gone with this one. */
import { useSyncExternalStore } from "react";

const place = "parley-console-key";

export interface Session {
  /** Null where nobody is signed in. */
  readonly key: string | null;
  /** Why the last key is no longer used, for whoever signs in next. */
  readonly notice: string | null;
}

let session: Session = { key: null, notice: null };
const listeners = new Set<() => void>();

/**
 * Before the first render: takes the key of the address, if there is one, and removes it from there at once. `onChange` is called
 * whenever another key is used, or none, before anything is rendered for it.
 */
export function begin(onChange: () => void): void {
  listeners.add(onChange);
  const key = keyOf(location.hash);
  if (key !== null) {
    history.replaceState(history.state, "", location.pathname + location.search);
    sessionStorage.setItem(place, key);
  }
  session = { key: key ?? sessionStorage.getItem(place), notice: null };
  // A link with a key that is opened in this tab changes nothing but the fragment, so the page is not loaded anew.
  addEventListener("hashchange", () => {
    const next = keyOf(location.hash);
    if (next === null) return;
    history.replaceState(history.state, "", location.pathname + location.search);
    signIn(next);
  });
}

export function currentKey(): string | null {
  return session.key;
}

export function signIn(key: string): void {
  sessionStorage.setItem(place, key);
  become({ key, notice: null });
}

export function signOut(): void {
  sessionStorage.removeItem(place);
  become({ key: null, notice: null });
}

/** The key was refused. An answer that comes late, to a key of before, ends nothing. */
export function lose(key: string, notice: string): void {
  if (session.key !== key) return;
  sessionStorage.removeItem(place);
  become({ key: null, notice });
}

export function useSession(): Session {
  return useSyncExternalStore(subscribe, () => session);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function become(next: Session): void {
  session = next;
  for (const listener of listeners) listener();
}

function keyOf(hash: string): string | null {
  const key = new URLSearchParams(hash.slice(1)).get("key");
  return key === null || key === "" ? null : key;
}
