/** Whether nothing in the audit log was changed, removed or put in between: proved in the browser, on demand. */
import { Alert, Button, Code, Group, Progress, Stack, Text } from "@mantine/core";
import { IconShieldCheck, IconShieldX } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { CopyButton } from "../parts/CopyButton.tsx";
import { ErrorState } from "../parts/ErrorState.tsx";
import { count } from "../parts/amount.ts";
import { verify, type Verdict } from "./verify.ts";

export function Proof() {
  const [share, setShare] = useState(0);
  const leaving = useRef(new AbortController());
  const proof = useMutation({
    mutationFn: () => verify((seq, of) => setShare(of === 0 ? 100 : (100 * seq) / of), leaving.current.signal),
  });
  useEffect(() => {
    leaving.current = new AbortController();
    return () => leaving.current.abort();
  }, []);
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <Button
          variant="default"
          leftSection={<IconShieldCheck size={16} />}
          loading={proof.isPending}
          onClick={() => {
            setShare(0);
            proof.mutate();
          }}
        >
          Verify the log
        </Button>
        <Text size="sm" c="dimmed">
          Each entry holds the hash of the one before it. All of them are read and proved here, in your browser.
        </Text>
      </Group>
      {proof.isPending && <Progress value={share} aria-label="How much is proved" />}
      {proof.error !== null && <ErrorState error={proof.error} />}
      {proof.data !== undefined && !proof.isPending && <Shown verdict={proof.data} />}
    </Stack>
  );
}

function Shown({ verdict: { breach, entries, head } }: { readonly verdict: Verdict }) {
  if (breach !== null)
    return (
      <Alert role="alert" color="red" icon={<IconShieldX />} title={`The chain is broken at entry ${breach.seq}`}>
        {breach.why}. The {count(entries)} entries before it are good.
      </Alert>
    );
  const kept = `${head.seq}:${head.hash}`;
  return (
    <Alert
      role="status"
      color="parley"
      icon={<IconShieldCheck />}
      title={`The chain is whole: ${count(entries)} entries`}
    >
      <Text size="sm">
        Nothing in it was changed, removed or put in between. Keep this head, and you can prove later that nothing of
        today was changed either: <Code>npm run verify-audit -- {location.origin} --since …</Code>
      </Text>
      <Group mt="xs" gap="sm" wrap="nowrap">
        <Code className="anywhere">{kept}</Code>
        <CopyButton value={kept} label="Copy the head" />
      </Group>
    </Alert>
  );
}
