import { IconKeyOff } from "@tabler/icons-react";
import { EmptyState } from "../parts/EmptyState.tsx";
import { LinkButton } from "../parts/LinkButton.tsx";
import { PageHeader } from "../parts/PageHeader.tsx";

export function WrongAudience({ audience }: { readonly audience: "tenant" | "operator" }) {
  const wanted = audience === "tenant" ? "an API key of a tenant" : "the operator key";
  return (
    <>
      <PageHeader title="This page takes another key" />
      <EmptyState
        icon={IconKeyOff}
        title={`It is shown to whoever signs in with ${wanted}.`}
        action={<LinkButton to="/">To the start</LinkButton>}
      >
        Sign out, and sign in with that key: you come back to this page.
      </EmptyState>
    </>
  );
}
