import { PageHeader } from "../parts/PageHeader.tsx";

export function Overview() {
  return <PageHeader title="Overview" />;
}
