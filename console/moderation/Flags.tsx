/** What users have flagged, the oldest first, and what can be done about it. */
import { SegmentedControl, Stack } from "@mantine/core";
import { IconFlag } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Button, Center } from "@mantine/core";
import { useState } from "react";
import { EmptyState } from "../parts/EmptyState.tsx";
import { ErrorState } from "../parts/ErrorState.tsx";
import { TableSkeleton } from "../parts/Loading.tsx";
import { FlagCard } from "./FlagCard.tsx";
import { type FlagState, flagsQuery } from "./moderationQueries.ts";

export function Flags({ onBan }: { readonly onBan: (user: string) => void }) {
  const [state, setState] = useState<FlagState>("open");
  return (
    <Stack gap="sm">
      <SegmentedControl
        aria-label="Which flags"
        w="fit-content"
        data={[
          { value: "open", label: "To look at" },
          { value: "resolved", label: "Looked at" },
        ]}
        value={state}
        onChange={(value) => setState(value === "resolved" ? "resolved" : "open")}
      />
      <List state={state} onBan={onBan} />
    </Stack>
  );
}

function List({ state, onBan }: { readonly state: FlagState; readonly onBan: (user: string) => void }) {
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(flagsQuery(state));
  if (data === undefined)
    return error === null ? <TableSkeleton /> : <ErrorState error={error} onRetry={() => void refetch()} />;
  const items = data.pages.flatMap((page) => page.items);
  if (items.length === 0)
    return (
      <EmptyState icon={IconFlag} title={state === "open" ? "Nothing is flagged" : "Nothing has been looked at"}>
        Users flag a message by the API, and it waits here for somebody to look at it.
      </EmptyState>
    );
  return (
    <Stack gap="sm" component="ul" p={0} m={0} aria-label="Flags" className="bare">
      {items.map((flag) => (
        <FlagCard key={flag.id} flag={flag} onBan={onBan} />
      ))}
      {hasNextPage && (
        <Center component="li">
          <Button variant="default" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
            Show more
          </Button>
        </Center>
      )}
    </Stack>
  );
}
