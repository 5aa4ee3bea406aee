import { PageHeader } from "../parts/PageHeader.tsx";

export function WebhooksPage() {
  return <PageHeader title="Webhooks" />;
}
