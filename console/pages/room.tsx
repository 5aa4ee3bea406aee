import { PageHeader } from "../parts/PageHeader.tsx";

export function RoomPage() {
  return <PageHeader title="Room" />;
}
