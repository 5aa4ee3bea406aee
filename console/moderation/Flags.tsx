/** What users have flagged, the oldest first, and what can be done about it. */
import { SegmentedControl, Stack } from "@mantine/core";
import { IconFlag } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { EmptyState } from "../parts/EmptyState.tsx";
import { Listed } from "../parts/Listed.tsx";
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
  const list = useInfiniteQuery(flagsQuery(state));
  return (
    <Listed
      key={state}
      query={list}
      empty={
        <EmptyState icon={IconFlag} title={state === "open" ? "Nothing is flagged" : "Nothing has been looked at"}>
          Users flag a message by the API, and it waits here for somebody to look at it.
        </EmptyState>
      }
    >
      {(items) => (
        <Stack gap="sm" component="ul" p={0} m={0} aria-label="Flags" className="bare">
          {items.map((flag) => (
            <FlagCard key={flag.id} flag={flag} onBan={onBan} />
          ))}
        </Stack>
      )}
    </Listed>
  );
}
