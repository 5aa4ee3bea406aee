import { PageHeader } from "../parts/PageHeader.tsx";

export function ModerationPage() {
  return <PageHeader title="Moderation" />;
}
