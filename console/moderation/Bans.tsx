/** Who is banned from all rooms. */
import { Badge, Button, Text } from "@mantine/core";
import { IconUserCheck } from "@tabler/icons-react";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answered, api } from "../api.ts";
import { ConfirmModal } from "../parts/ConfirmModal.tsx";
import { type Column, DataTable } from "../parts/DataTable.tsx";
import { EmptyState } from "../parts/EmptyState.tsx";
import { Listed } from "../parts/Listed.tsx";
import { Time } from "../parts/Time.tsx";
import { type Ban, banOf, bansQuery } from "./moderationQueries.ts";

export function Bans() {
  const [lifted, setLifted] = useState<string | null>(null);
  const queries = useQueryClient();
  return (
    <>
      <List onLift={setLifted} />
      <ConfirmModal
        isOpen={lifted !== null}
        onClose={() => setLifted(null)}
        title="Lift this ban?"
        action="Lift"
        onConfirm={async () => {
          await answered(api.v1.bans[":user"].$delete(banOf(lifted ?? "")));
          await queries.invalidateQueries({ queryKey: ["bans"] });
        }}
      >
        <Text size="sm" className="anywhere">
          {lifted} may enter all rooms again, but for those whose own ban goes on.
        </Text>
      </ConfirmModal>
    </>
  );
}

function List({ onLift }: { readonly onLift: (user: string) => void }) {
  const list = useInfiniteQuery(bansQuery);
  return (
    <Listed
      query={list}
      empty={
        <EmptyState icon={IconUserCheck} title="Nobody is banned">
          Whoever is banned here may enter no room of this tenant. Bans of one room stand in that room.
        </EmptyState>
      }
    >
      {(items) => <DataTable label="Bans" columns={columnsOf(onLift)} items={items} keyOf={({ user }) => user} />}
    </Listed>
  );
}

function columnsOf(onLift: (user: string) => void): Column<Ban>[] {
  return [
    {
      heading: "User",
      cell: ({ user, shadow }) => (
        <>
          <Text size="sm" span mr="xs">
            {user}
          </Text>
          {shadow && (
            <Badge variant="light" color="gray">
              unnoticed
            </Badge>
          )}
        </>
      ),
    },
    { heading: "Reason", cell: ({ reason }) => <Text size="sm">{reason ?? "–"}</Text> },
    { heading: "Ends", wideOnly: true, cell: ({ until }) => <Time at={until} never="when it is lifted" /> },
    { heading: "Since", wideOnly: true, cell: ({ at }) => <Time at={at} /> },
    {
      heading: "Deeds",
      isHeadingHidden: true,
      align: "right",
      cell: ({ user }) => (
        <Button size="compact-sm" variant="default" onClick={() => onLift(user)} aria-label={`Lift the ban of ${user}`}>
          Lift
        </Button>
      ),
    },
  ];
}
