import { PageHeader } from "../parts/PageHeader.tsx";

export function AssistantsPage() {
  return <PageHeader title="Assistants" />;
}
