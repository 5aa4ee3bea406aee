/** The way in: one field for a tenant's API key or the operator's key. */
import { Alert, Anchor, Box, Button, Code, Group, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { enter } from "./enter.ts";
import { ProblemError } from "./problem.ts";

export function SignIn({ notice }: { readonly notice: string | null }) {
  const { key, setKey, error, isAsking, submit } = useSigningIn();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = "Sign in · Parley";
    field.current?.focus();
  }, []);
  return (
    <Box component="main" px="md" py={{ base: "xl", sm: "15vh" }}>
      <Paper withBorder p="xl" maw="28rem" mx="auto">
        <form onSubmit={submit} noValidate>
          <Stack>
            <Group gap="sm">
              <img src="/favicon.svg" alt="" width="28" height="28" />
              <Title order={1}>Parley console</Title>
            </Group>
            {notice !== null && (
              <Alert color="yellow" title="You were signed out" role="alert">
                {notice}
              </Alert>
            )}
            <PasswordInput
              ref={field}
              label="API key or operator key"
              description="It stays in this tab, and is sent to this server alone."
              placeholder="parley_…"
              autoComplete="off"
              spellCheck={false}
              value={key}
              onChange={({ currentTarget }) => setKey(currentTarget.value)}
              error={error}
              required
              withAsterisk={false}
              visibilityToggleButtonProps={{ "aria-label": "Show the key" }}
            />
            <Button type="submit" loading={isAsking}>
              Sign in
            </Button>
            <Text size="sm" c="dimmed">
              <Code>npm start</Code> prints a link that signs you in, and the key.{" "}
              <Anchor href="/docs">API reference</Anchor>
            </Text>
          </Stack>
        </form>
      </Paper>
    </Box>
  );
}

function useSigningIn() {
  const [key, setKey] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [isAsking, setAsking] = useState(false);
  const tryKey = async (wanted: string): Promise<void> => {
    if (wanted === "") return setError("Enter a key.");
    setAsking(true);
    setError(null);
    try {
      await enter(wanted);
    } catch (cause) {
      setError(cause instanceof ProblemError ? cause.message : String(cause));
      setAsking(false);
    }
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void tryKey(key.trim());
  };
  return { key, setKey, error, isAsking, submit };
}
