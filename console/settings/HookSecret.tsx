/** The secret by which a hook knows who asks. */
import { Button, Code, Group, Stack } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { answered, api } from "../api.ts";
import { Card } from "../parts/Card.tsx";
import { CopyButton } from "../parts/CopyButton.tsx";
import { ErrorState } from "../parts/ErrorState.tsx";

export function HookSecret() {
  const showing = useMutation({ mutationFn: () => answered(api.v1.hook.secret.$post()), gcTime: 0 });
  return (
    <Card
      title="The hook’s secret"
      description="It signs what the hook is asked, as Standard Webhooks are signed. It stays the same, and the audit log says who has seen it."
      actions={
        <Button variant="default" loading={showing.isPending} onClick={() => showing.mutate()}>
          Show it
        </Button>
      }
    >
      <Stack>
        {showing.error !== null && <ErrorState error={showing.error} />}
        {showing.data !== undefined && (
          <Group gap="sm" wrap="nowrap" role="status">
            <Code block className="snippet" flex={1} miw={0} data-secret>
              {showing.data.secret}
            </Code>
            <CopyButton value={showing.data.secret} label="Copy the secret" />
          </Group>
        )}
      </Stack>
    </Card>
  );
}
