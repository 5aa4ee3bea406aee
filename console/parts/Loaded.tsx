/** What a query has found; until then its skeleton, and where it failed why. */
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ErrorState } from "./ErrorState.tsx";

export interface LoadedProps<T> {
  readonly query: UseQueryResult<T>;
  readonly skeleton: ReactNode;
  readonly children: (data: T) => ReactNode;
}

/** What was found once stays shown while it is asked for again, also where that fails. */
export function Loaded<T>({ query, skeleton, children }: LoadedProps<T>) {
  if (query.data !== undefined) return children(query.data);
  return query.error === null ? skeleton : <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
}
