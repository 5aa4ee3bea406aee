/** In place of a page that failed: a bug of the console's, or a part of it that could not be loaded. */
import type { ErrorComponentProps } from "@tanstack/react-router";
import { ErrorState } from "../parts/ErrorState.tsx";
import { PageHeader } from "../parts/PageHeader.tsx";

export function Broken({ error, reset }: ErrorComponentProps) {
  return (
    <>
      <PageHeader title="This page failed" />
      <ErrorState error={error} onRetry={reset} />
    </>
  );
}
