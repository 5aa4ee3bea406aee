/** Whether two people fit side by side. */
import { useSyncExternalStore } from "react";

const query = matchMedia("(min-width: 860px)");

function subscribe(listener: () => void): () => void {
  query.addEventListener("change", listener);
  return () => query.removeEventListener("change", listener);
}

export function useIsWide(): boolean {
  return useSyncExternalStore(subscribe, () => query.matches);
}
