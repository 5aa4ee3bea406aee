/** The operator's list of tenants. */
import { Button, Skeleton, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedValue, useDisclosure } from "@mantine/hooks";
import { IconBuildingCommunity, IconPlus, IconSearch } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { type Column, DataTable } from "../parts/DataTable.tsx";
import { EmptyState } from "../parts/EmptyState.tsx";
import { Listed } from "../parts/Listed.tsx";
import { LinkText } from "../parts/LinkText.tsx";
import { PageHeader } from "../parts/PageHeader.tsx";
import { Time } from "../parts/Time.tsx";
import { NewTenantModal } from "../tenants/NewTenantModal.tsx";
import { TenantState } from "../tenants/TenantState.tsx";
import { tenantQuery, tenantsQuery } from "../tenants/tenantQueries.ts";

export function TenantsPage() {
  const [isOpen, { open, close }] = useDisclosure(false);
  const [prefix, setPrefix] = useState("");
  const [asked] = useDebouncedValue(prefix.trim(), 200);
  return (
    <>
      <PageHeader
        title="Tenants"
        description="Each has its own keys, rooms and limits, and none can see another. What is said in their rooms is theirs: the operator's key does not open it."
        actions={
          <Button leftSection={<IconPlus size={16} />} onClick={open}>
            New tenant
          </Button>
        }
      />
      <Stack gap="sm">
        <TextInput
          aria-label="Find tenants by the beginning of their id"
          placeholder="Id begins with…"
          leftSection={<IconSearch size={16} />}
          value={prefix}
          onChange={({ currentTarget }) => setPrefix(currentTarget.value)}
          maxLength={40}
          w={{ base: "100%", sm: 280 }}
        />
        <List prefix={asked} />
      </Stack>
      <NewTenantModal isOpen={isOpen} onClose={close} />
    </>
  );
}

function List({ prefix }: { readonly prefix: string }) {
  const list = useInfiniteQuery(tenantsQuery(prefix));
  return (
    <Listed
      key={prefix}
      query={list}
      empty={
        <EmptyState icon={IconBuildingCommunity} title={prefix === "" ? "No tenants yet" : "No such tenant"}>
          {prefix === "" ? "Make the first one: it comes with a key of its own." : `No id begins with “${prefix}”.`}
        </EmptyState>
      }
    >
      {(items) => <DataTable label="Tenants" columns={columns} items={items} keyOf={({ id }) => id} />}
    </Listed>
  );
}

const columns: readonly Column<{ readonly id: string }>[] = [
  {
    heading: "Id",
    cell: ({ id }) => (
      <LinkText to="/tenants/$tenant" params={{ tenant: id }} ff="monospace" size="sm">
        {id}
      </LinkText>
    ),
  },
  { heading: "Name", cell: ({ id }) => <Of id={id}>{({ name }) => <Text size="sm">{name}</Text>}</Of> },
  { heading: "State", cell: ({ id }) => <Of id={id}>{(tenant) => <TenantState tenant={tenant} />}</Of> },
  {
    heading: "Made",
    wideOnly: true,
    cell: ({ id }) => <Of id={id}>{({ createdAt }) => <Time at={createdAt} />}</Of>,
  },
];

/** The list knows ids; what is so of a tenant only the tenant knows. */
function Of({ id, children }: { readonly id: string; readonly children: (tenant: Profile) => React.ReactNode }) {
  const { data, error } = useQuery(tenantQuery(id));
  if (data !== undefined) return children(data);
  return error === null ? <Skeleton height={22} maw={120} /> : "?";
}

type Profile = Parameters<typeof TenantState>[0]["tenant"];
