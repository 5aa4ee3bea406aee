/** Whether a room is searched, and what to do where it is not. */
import { IconSearchOff } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { EmptyState } from "../parts/EmptyState.tsx";
import { LinkText } from "../parts/LinkText.tsx";
import { tenantQuery } from "../settings/tenantQuery.ts";

/** `own` is the room's setting; null where the tenant's counts. Null as long as nobody knows: the API says no where it must. */
export function useSearched(own: boolean | null): boolean | null {
  const tenant = useQuery({ ...tenantQuery, enabled: own === null });
  return own ?? tenant.data?.settings.search ?? null;
}

export function SearchOff({ room, isOwn }: { readonly room: string; readonly isOwn: boolean }) {
  return (
    <EmptyState icon={IconSearchOff} title="This room is not searched">
      {isOwn ? "It says so itself." : "Search is turned off for all rooms that do not say otherwise."} Turn it on in{" "}
      <LinkText size="sm" to="/rooms/$room" params={{ room }} hash="settings">
        this room’s settings
      </LinkText>
      {!isOwn && (
        <>
          {" "}
          or, for all, in{" "}
          <LinkText size="sm" to="/settings">
            the tenant’s
          </LinkText>
        </>
      )}
      . What is there already is put into the index then.
    </EmptyState>
  );
}
