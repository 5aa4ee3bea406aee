import { PageHeader } from "../parts/PageHeader.tsx";

export function TenantPage() {
  return <PageHeader title="Tenant" />;
}
