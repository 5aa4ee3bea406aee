import { PageHeader } from "../parts/PageHeader.tsx";

export function RoomsPage() {
  return <PageHeader title="Rooms" />;
}
