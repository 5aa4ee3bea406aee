/** What has been asked of the API and is kept while it is shown. */
import { QueryClient } from "@tanstack/react-query";
import { ProblemError } from "./problem.ts";

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // A refusal stays one. Who was not reached, or is restarting, may be back in a moment.
      retry: (failures, error) =>
        failures < 2 && error instanceof ProblemError && (error.status === 0 || error.status === 503),
      retryDelay: (failures, error) => Math.max(500 * 2 ** failures, waitOf(error)),
    },
  },
});

function waitOf(error: Error): number {
  return error instanceof ProblemError ? Math.min(error.retryAfterMs ?? 0, 5_000) : 0;
}
