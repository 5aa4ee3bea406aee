/** The key of this tab. It stays in sessionStorage: no other tab has it, and it is gone with this one. */
import { useSyncExternalStore } from "react";

const place = "parley-console-key";

export interface Session {
  /** Null where nobody is signed in. */
  readonly key: string | null;
  /** Why the last key is no longer used, for whoever signs in next. */
  readonly notice: string | null;
  /** A link has signed in, and nobody's hand: the page says to whom. */
  readonly isByLink: boolean;
  /** Of a link that was opened while another key was in use. Who sends a link is not to choose where the next secret is typed: it waits for an answer. */
  readonly offered: string | null;
}

const nobody: Session = { key: null, notice: null, isByLink: false, offered: null };
let session = nobody;
let onOtherKey = (): void => {};
const listeners = new Set<() => void>();

/**
 * Before the first render: takes the key of the address, if there is one, and removes it from there at once. `onChange` is called
 * whenever another key is used, or none, before anything is rendered for it.
 */
export function begin(onChange: () => void): void {
  onOtherKey = onChange;
  session = { ...nobody, key: sessionStorage.getItem(place) };
  follow("");
  // A link with a key that is opened in this tab changes nothing but the fragment, so the page is not loaded anew.
  addEventListener("hashchange", ({ oldURL }) => follow(new URL(oldURL).hash));
}

export function currentKey(): string | null {
  return session.key;
}

export function signIn(key: string): void {
  use(key, { isByLink: false });
}

export function signOut(): void {
  sessionStorage.removeItem(place);
  become(nobody);
}

/** The key was refused. An answer that comes late, to a key of before, ends nothing. */
export function lose(key: string, notice: string): void {
  if (session.key !== key) return;
  // Nobody is signed in any more, so there is nothing to ask.
  if (session.offered !== null) return use(session.offered, { isByLink: true });
  sessionStorage.removeItem(place);
  become({ ...nobody, notice });
}

/** The key of a link is not used. */
export function keep(): void {
  become({ ...session, offered: null });
}

export function useSession(): Session {
  return useSyncExternalStore(subscribe, () => session);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What an address with a key asks for. The address becomes what it was without it. */
function follow(hashBefore: string): void {
  const key = keyOf(location.hash);
  if (key === null) return;
  history.replaceState(history.state, "", location.pathname + location.search + hashBefore);
  if (session.key === null) use(key, { isByLink: true });
  else if (key !== session.key) become({ ...session, offered: key });
}

function use(key: string, { isByLink }: Pick<Session, "isByLink">): void {
  sessionStorage.setItem(place, key);
  become({ ...nobody, key, isByLink });
}

function become(next: Session): void {
  const isOther = next.key !== session.key;
  session = next;
  if (isOther) onOtherKey();
  for (const listener of listeners) listener();
}

function keyOf(hash: string): string | null {
  const key = new URLSearchParams(hash.slice(1)).get("key");
  return key === null || key === "" ? null : key;
}
