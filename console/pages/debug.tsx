import { PageHeader } from "../parts/PageHeader.tsx";

export function DebugPage() {
  return <PageHeader title="Debug" />;
}
