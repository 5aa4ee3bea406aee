/** What a tenant is called. */
import { TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { OperatorTenantPatch } from "../../src/protocol/http.ts";
import { answered, api } from "../api.ts";
import { Card } from "../parts/Card.tsx";
import { FormActions } from "../parts/FormActions.tsx";
import { useSending } from "../sending.ts";
import { type TenantProfile, tenantQuery } from "./tenantQueries.ts";

export function TenantName({ tenant: { id, name } }: { readonly tenant: TenantProfile }) {
  const queries = useQueryClient();
  const { form, submit, isSending, problem } = useSending({
    initial: { name },
    schema: OperatorTenantPatch,
    bodyOf: (values) => values,
    send: (json) => answered(api.v1.tenants[":tenant"].$patch({ param: { tenant: id }, json })),
    onSent: (changed) => queries.setQueryData(tenantQuery(id).queryKey, changed),
  });
  return (
    <Card title="Name">
      <form onSubmit={submit} noValidate>
        <TextInput label="Name" maw={400} {...form.getInputProps("name")} />
        <FormActions
          action="Save"
          isSending={isSending}
          problem={problem}
          isDirty={form.isDirty()}
          onLeave={form.reset}
          leaveLabel="Undo"
        />
      </form>
    </Card>
  );
}
