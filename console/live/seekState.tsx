/** Says of a message that is not in sight yet that it is looked for, or why it is not shown. */
import { Alert, Button, Group, Text } from "@mantine/core";
import { ErrorState } from "../parts/ErrorState.tsx";
import { count } from "../parts/amount.ts";
import { shownError } from "./refused.ts";
import type { Seeker } from "./seek.ts";

export function SeekState({ seeker, loaded }: { readonly seeker: Seeker; readonly loaded: number }) {
  const { seeking, seek, stop } = seeker;
  if (seeking === null) return null;
  const { id, state, error } = seeking;
  if (state === "failed") return <ErrorState error={shownError(error)} onRetry={() => seek(id)} />;
  return (
    <Alert color={state === "gone" ? "yellow" : "blue"} p="xs" mb="xs" role="status">
      <Group justify="space-between" gap="sm">
        <Text size="sm">
          {state === "gone"
            ? `Message #${id} is not in this room any more: it has expired or was removed.`
            : `Message #${id} is older than what is loaded here. Looking for it: ${count(loaded)} messages so far.`}
        </Text>
        <Button size="compact-xs" variant="default" onClick={stop}>
          {state === "gone" ? "Close" : "Stop"}
        </Button>
      </Group>
    </Alert>
  );
}
