/** A list that is asked for page by page: until it is there its skeleton, where it failed why, and where it is empty what is so. */
import { Stack } from "@mantine/core";
import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ErrorState } from "./ErrorState.tsx";
import { TableSkeleton } from "./Loading.tsx";
import { ShowMore } from "./ShowMore.tsx";

export interface ListedProps<T> {
  /** Where the list can become another one, by a filter, `Listed` has a `key` that says which. */
  readonly query: UseInfiniteQueryResult<InfiniteData<{ readonly items: readonly T[] }>>;
  /** As large as the list will be, in rows. */
  readonly rows?: number;
  readonly empty: ReactNode;
  readonly children: (items: readonly T[]) => ReactNode;
}

/** What was found once stays shown while it is asked for again. */
export function Listed<T>({ query, rows = 5, empty, children }: ListedProps<T>) {
  const { data, error, refetch } = query;
  if (data === undefined)
    return error === null ? <TableSkeleton rows={rows} /> : <ErrorState error={error} onRetry={() => void refetch()} />;
  const items = data.pages.flatMap((page) => page.items);
  if (items.length === 0 && !query.hasNextPage) return empty;
  return (
    <Stack>
      {children(items)}
      <ShowMore rest={query} />
    </Stack>
  );
}
