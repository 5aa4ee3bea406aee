import { PageHeader } from "../parts/PageHeader.tsx";

export function WebhookPage() {
  return <PageHeader title="Webhook" />;
}
