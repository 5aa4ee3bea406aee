/** Asks before the key of a link takes the place of the one that is in use. What is not answered is a no. */
import { Button, Code, Group, Modal, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { enter } from "./enter.ts";
import { ErrorState } from "./parts/ErrorState.tsx";
import { keep } from "./session.ts";
import { type KeyName, nameOf, useWho } from "./who.ts";

export function OtherKey({ offered }: { readonly offered: string }) {
  const who = useWho();
  const next = nameOf(offered);
  const switching = useMutation({ mutationFn: () => enter(offered) });
  return (
    <Modal opened onClose={keep} title="Sign in with another key?" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack>
        <Text size="sm">
          You are signed in {who.kind === "operator" ? "as the operator" : <Holder {...who} />}. This link signs you in{" "}
          {next === null ? "with a key that is no tenant’s" : <Holder {...next} />}.
        </Text>
        <Text size="sm">Switch only if you expected that: whatever you enter then goes there.</Text>
        {switching.error !== null && <ErrorState error={switching.error} />}
        <Group justify="flex-end">
          <Button onClick={keep} data-autofocus>
            Keep
          </Button>
          <Button variant="default" loading={switching.isPending} onClick={() => switching.mutate()}>
            Switch
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Holder({ tenant, keyId }: KeyName) {
  return (
    <>
      to{" "}
      <Text span fw={600} className="anywhere">
        {tenant}
      </Text>{" "}
      with the key <Code>{keyId}</Code>
    </>
  );
}
