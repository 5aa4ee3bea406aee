import { IconMapOff } from "@tabler/icons-react";
import { EmptyState } from "../parts/EmptyState.tsx";
import { LinkButton } from "../parts/LinkButton.tsx";
import { PageHeader } from "../parts/PageHeader.tsx";

export function Missing() {
  return (
    <>
      <PageHeader title="No such page" />
      <EmptyState
        icon={IconMapOff}
        title="There is nothing at this address."
        action={<LinkButton to="/">To the start</LinkButton>}
      >
        It may have been renamed, or the link is incomplete.
      </EmptyState>
    </>
  );
}
