/** Sends a test now, and says what was answered. */
import { Alert, Button, Code, Group, Loader, Modal, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconCheck } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { answered, api } from "../api.ts";
import { ErrorState } from "../parts/ErrorState.tsx";
import { count } from "../parts/amount.ts";
import type { EndpointDialog } from "./dialog.ts";

export function TestModal({ endpoint: { id, url }, isOpen, onClose }: EndpointDialog) {
  const test = useMutation({
    mutationFn: () => answered(api.v1.webhooks[":webhook"].test.$post({ param: { webhook: id } })),
  });
  const leave = (): void => {
    test.reset();
    onClose();
  };
  return (
    <Modal opened={isOpen} onClose={leave} title="Send a test" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack>
        <Text size="sm">
          An event <Code>webhook.test</Code>, signed like any other, is sent to <Code className="anywhere">{url}</Code>{" "}
          now. It is tried once.
        </Text>
        {test.isPending && <Loader size="sm" role="status" aria-label="Waiting for the answer" />}
        {test.error !== null && <ErrorState error={test.error} />}
        {test.data !== undefined && !test.isPending && <Result result={test.data} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={leave}>
            Close
          </Button>
          <Button loading={test.isPending} onClick={() => test.mutate()} data-autofocus>
            {test.data === undefined ? "Send it" : "Send another"}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

interface Outcome {
  readonly ok: boolean;
  readonly status: number | null;
  readonly ms: number;
  readonly error: string | null;
  readonly excerpt: string;
}

function Result({ result: { ok, status, ms, error, excerpt } }: { readonly result: Outcome }) {
  return (
    <Alert
      role="status"
      color={ok ? "parley" : "red"}
      icon={ok ? <IconCheck /> : <IconAlertTriangle />}
      title={`${status === null ? "No answer" : `Answered ${status}`} after ${count(ms)} ms`}
    >
      {error !== null && <Text size="sm">{error}</Text>}
      {excerpt !== "" && (
        <Code block mt="xs" className="anywhere json">
          {excerpt}
        </Code>
      )}
    </Alert>
  );
}
