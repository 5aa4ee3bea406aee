/** The rest of a list, asked for by whoever reads it. What is refused is said where the rest would stand, until it is asked for again. */
import { Button, Center } from "@mantine/core";
import { useState } from "react";
import { ErrorState } from "./ErrorState.tsx";

/** Of an infinite query: itself. */
export interface Rest {
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  readonly fetchNextPage: () => Promise<{ readonly isFetchNextPageError: boolean; readonly error: Error | null }>;
}

export function ShowMore({ rest, shown = (error) => error }: ShowMoreProps) {
  // Kept here: a list that is asked for again every few seconds forgets that its next page has failed.
  const [error, setError] = useState<Error | null>(null);
  if (!rest.hasNextPage) return null;
  const load = async (): Promise<void> => {
    const asked = await rest.fetchNextPage();
    setError(asked.isFetchNextPageError ? asked.error : null);
  };
  if (error !== null && !rest.isFetchingNextPage)
    return <ErrorState error={shown(error)} onRetry={() => void load()} />;
  return (
    <Center>
      <Button variant="default" loading={rest.isFetchingNextPage} onClick={() => void load()}>
        Show more
      </Button>
    </Center>
  );
}

export interface ShowMoreProps {
  readonly rest: Rest;
  /** An error as it is shown, where it is not the API's. */
  readonly shown?: (error: Error) => unknown;
}
