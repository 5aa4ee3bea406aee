/** What a tenant is called. */
import { TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { OperatorTenantPatch } from "../../src/protocol/http.ts";
import { answered, api } from "../api.ts";
import { Card } from "../parts/Card.tsx";
import { SaveActions } from "../parts/SaveActions.tsx";
import { useSending } from "../sending.ts";
import { type TenantProfile, tenantQuery } from "./tenantQueries.ts";

export function TenantName({ tenant: { id, name } }: { readonly tenant: TenantProfile }) {
  const queries = useQueryClient();
  const sending = useSending({
    initial: { name },
    schema: OperatorTenantPatch,
    bodyOf: (values) => values,
    send: (json) => answered(api.v1.tenants[":tenant"].$patch({ param: { tenant: id }, json })),
    onSent: (changed) => queries.setQueryData(tenantQuery(id).queryKey, changed),
  });
  const { form, submit } = sending;
  return (
    <Card title="Name">
      <form onSubmit={submit} noValidate>
        <TextInput label="Name" maw={400} {...form.getInputProps("name")} />
        <SaveActions sending={sending} />
      </form>
    </Card>
  );
}
