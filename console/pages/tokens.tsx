/** Makes a token, as a tenant's server does for its users, and shows how it is used. */
import { SimpleGrid } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { answered, api } from "../api.ts";
import { ErrorState } from "../parts/ErrorState.tsx";
import { PageHeader } from "../parts/PageHeader.tsx";
import { MadeToken } from "../tokens/MadeToken.tsx";
import { TokenForm, type WantedToken } from "../tokens/TokenForm.tsx";

export function TokensPage() {
  const making = useMutation({ mutationFn: make, gcTime: 0 });
  return (
    <>
      <PageHeader
        title="Token maker"
        description="Browsers and phones come with a token: who it is, and what they may do where. Your server makes it; here you try one."
      />
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg" className="side-by-side">
        <TokenForm onMake={(wanted) => making.mutate(wanted)} isMaking={making.isPending} />
        <div aria-live="polite">
          {making.error !== null && <ErrorState error={making.error} />}
          <MadeToken token={making.data?.token ?? null} />
        </div>
      </SimpleGrid>
    </>
  );
}

function make({ user, name, rooms, seconds }: WantedToken): Promise<{ token: string }> {
  const json = {
    user: user.trim(),
    rooms: Object.fromEntries(rooms.map(({ pattern, capabilities }) => [pattern.trim(), capabilities])),
    expiresInSeconds: Number(seconds),
    ...(name.trim() === "" ? {} : { name: name.trim() }),
  };
  return answered(api.v1.tokens.$post({ json }));
}
