/** What a browser tells of itself: seen again, online again. Elsewhere nothing. */

/** What there is of a browser; a Worker and Node have none of it. */
interface Surroundings {
  readonly document?: EventTarget & { readonly visibilityState: string };
  readonly navigator?: { readonly onLine?: boolean };
  readonly addEventListener?: EventTarget["addEventListener"];
}

const here = globalThis as unknown as Surroundings;

/** Until the signal ends it. */
export function listenForWakes(wake: () => void, signal: AbortSignal): void {
  const { document } = here;
  document?.addEventListener("visibilitychange", () => document.visibilityState === "visible" && wake(), { signal });
  // In workerd there is such a function, and nobody to call it.
  if (document !== undefined) here.addEventListener?.("online", wake, { signal });
}

/** Whether the device itself says that there is no network. */
export function isOffline(): boolean {
  return here.navigator?.onLine === false;
}
