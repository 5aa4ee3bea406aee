/** Lets in whoever has a good key, to the page that the address names; shows the sign-in to everybody else. */
import { Box } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useEffect } from "react";
import { OtherKey } from "./otherKey.tsx";
import { ErrorState } from "./parts/ErrorState.tsx";
import { FullPageLoader } from "./parts/Loading.tsx";
import { ProblemError } from "./problem.ts";
import { router } from "./router.tsx";
import { lose, useSession } from "./session.ts";
import { SignIn } from "./signIn.tsx";
import { whoIs, WhoProvider } from "./who.ts";

export function Gate() {
  const { key, notice, offered } = useSession();
  return key === null ? <SignIn notice={notice} /> : <Known key={key} credential={key} offered={offered} />;
}

function Known({ credential, offered }: { readonly credential: string; readonly offered: string | null }) {
  const {
    data: who,
    error,
    refetch,
  } = useQuery({
    // The key itself stays out of the query's name: those are shown by tools.
    queryKey: ["who"],
    queryFn: () => whoIs(credential),
    staleTime: Infinity,
  });
  const isRefused = error instanceof ProblemError && (error.status === 401 || error.status === 403);
  useEffect(() => {
    if (isRefused) lose(credential, error.message);
  }, [isRefused, credential, error]);
  if (who !== undefined)
    return (
      <WhoProvider value={who}>
        <RouterProvider router={router} />
        {offered !== null && <OtherKey key={offered} offered={offered} />}
      </WhoProvider>
    );
  if (error === null || isRefused) return <FullPageLoader />;
  return (
    <Box component="main" p="xl" maw="40rem" mx="auto">
      <ErrorState error={error} onRetry={() => void refetch()} />
    </Box>
  );
}
