/** What was revoked before its time. */
import { Button, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconShieldCheck } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { answered, api } from "../api.ts";
import { Card } from "../parts/Card.tsx";
import { type Column, DataTable } from "../parts/DataTable.tsx";
import { EmptyState } from "../parts/EmptyState.tsx";
import { Listed } from "../parts/Listed.tsx";
import { Time } from "../parts/Time.tsx";
import { NewRevocationModal } from "./NewRevocationModal.tsx";

const pageSize = "25";

type Revocation = Awaited<ReturnType<typeof read>>["items"][number];

function read(after: string) {
  return answered(api.v1.revocations.$get({ query: { limit: pageSize, ...(after === "" ? {} : { after }) } }));
}

export function Revocations() {
  const [isOpen, { open, close }] = useDisclosure(false);
  return (
    <Card
      title="Revocations"
      description="What was issued before a time is refused, and what it had opened is closed within a second. Each is in force for a day and 30 seconds: nothing of it lives longer."
      actions={<Button onClick={open}>Revoke…</Button>}
    >
      <List />
      <NewRevocationModal isOpen={isOpen} onClose={close} />
    </Card>
  );
}

function List() {
  const list = useInfiniteQuery({
    queryKey: ["revocations"],
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next,
  });
  return (
    <Listed
      query={list}
      rows={2}
      empty={
        <EmptyState icon={IconShieldCheck} title="Nothing is revoked">
          A token that has leaked, a user who is to leave at once: revoke them here.
        </EmptyState>
      }
    >
      {(items) => <DataTable label="Revocations" columns={columns} items={items} keyOf={({ id }) => id} />}
    </Listed>
  );
}

const columns: readonly Column<Revocation>[] = [
  { heading: "What", cell: (revocation) => <Text size="sm">{whatOf(revocation)}</Text> },
  { heading: "Issued before", cell: ({ issuedBefore }) => <Time at={issuedBefore} /> },
  { heading: "Reason", wideOnly: true, cell: ({ reason }) => <Text size="sm">{reason ?? "–"}</Text> },
  { heading: "In force until", wideOnly: true, cell: ({ until }) => <Time at={until} /> },
];

function whatOf({ user, token, key }: Pick<Revocation, "user" | "token" | "key">): string {
  const named = [user !== null && `user ${user}`, token !== null && `token ${token}`, key !== null && `key ${key}`];
  return named.filter((part) => part !== false).join(", ") || "everything";
}
