/** A token that was made: itself, what it says, and code that uses it. */
import { Code, Paper, Stack, Tabs, Text, Title } from "@mantine/core";
import { IconTicket } from "@tabler/icons-react";
import { CopyButton } from "../parts/CopyButton.tsx";
import { EmptyState } from "../parts/EmptyState.tsx";
import { Snippet } from "../parts/Snippet.tsx";
import { Time } from "../parts/Time.tsx";
import { claimsOf, type ShownClaims } from "./claims.ts";
import { snippets } from "./snippets.ts";

export function MadeToken({ token }: { readonly token: string | null }) {
  const claims = token === null ? null : claimsOf(token);
  return (
    <Paper withBorder p="md">
      {token === null || claims === null ? (
        <EmptyState icon={IconTicket} title="No token yet">
          Make one: here you see what it says, and code that uses it.
        </EmptyState>
      ) : (
        <Stack>
          <div>
            <Title order={2} fz="md" mb="xs">
              The token
            </Title>
            <Code block className="snippet" data-secret>
              {token}
            </Code>
            <CopyButton value={token} label="Copy the token" mt={6} />
          </div>
          <Claims claims={claims} />
          <Uses token={token} claims={claims} />
        </Stack>
      )}
    </Paper>
  );
}

function Claims({ claims }: { readonly claims: ShownClaims }) {
  return (
    <div>
      <Title order={2} fz="md" mb={4}>
        What it says
      </Title>
      <Text size="sm" mb="xs" c="dimmed">
        Whoever has it may read this; nobody can change it. It ends <Time at={claims.expiresAtMs} />.
      </Text>
      <Code block className="snippet" tabIndex={0} role="region" aria-label="Claims">
        {JSON.stringify(claims.all, null, 2)}
      </Code>
    </div>
  );
}

function Uses({ token, claims }: { readonly token: string; readonly claims: ShownClaims }) {
  const uses = snippets({ origin: location.origin, token, room: claims.firstRoom });
  return (
    <div>
      <Title order={2} fz="md" mb="xs">
        Use it
      </Title>
      <Tabs defaultValue={uses[0]?.name ?? ""}>
        <Tabs.List mb="sm">
          {uses.map(({ name }) => (
            <Tabs.Tab key={name} value={name}>
              {name}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {uses.map(({ name, code }) => (
          <Tabs.Panel key={name} value={name}>
            <Snippet code={code} copyLabel={`Copy the ${name} code`} />
          </Tabs.Panel>
        ))}
      </Tabs>
    </div>
  );
}
