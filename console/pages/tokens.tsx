import { PageHeader } from "../parts/PageHeader.tsx";

export function TokensPage() {
  return <PageHeader title="Token maker" />;
}
