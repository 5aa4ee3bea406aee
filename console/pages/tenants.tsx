import { PageHeader } from "../parts/PageHeader.tsx";

export function TenantsPage() {
  return <PageHeader title="Tenants" />;
}
