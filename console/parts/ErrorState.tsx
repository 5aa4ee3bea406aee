/** Why something is not shown, in the API's own words, and what can be done. */
import { Alert, Anchor, Button, Code, Group, Text } from "@mantine/core";
import { IconAlertTriangle, IconLock } from "@tabler/icons-react";
import { ProblemError } from "../problem.ts";

export interface ErrorStateProps {
  readonly error: unknown;
  /** Shown as "Try again" where that may help. */
  readonly onRetry?: () => void;
}

export function ErrorState({ error, onRetry }: ErrorStateProps) {
  const problem = error instanceof ProblemError ? error : null;
  const isForbidden = problem?.code === "forbidden";
  return (
    <Alert
      role="alert"
      color={isForbidden ? "yellow" : "red"}
      icon={isForbidden ? <IconLock /> : <IconAlertTriangle />}
      title={isForbidden ? "This key may not do that" : (problem?.title ?? "Something went wrong in this page")}
    >
      <Text size="sm" className="anywhere">
        {textOf(error)}
      </Text>
      {problem !== null && problem.status > 0 && (
        <Text size="xs" mt="xs" className="anywhere">
          <Anchor href={`/errors#${problem.code}`} inherit>
            {problem.code}
          </Anchor>
          {problem.requestId !== undefined && (
            <>
              {" · request "}
              <Code fz="xs">{problem.requestId}</Code>
            </>
          )}
        </Text>
      )}
      {onRetry !== undefined && !isForbidden && (
        <Group mt="sm">
          <Button size="xs" variant="default" onClick={onRetry}>
            Try again
          </Button>
        </Group>
      )}
    </Alert>
  );
}

/** An error as one sentence for people: what the API says, or what went wrong here. */
export function textOf(error: unknown): string {
  if (error instanceof ProblemError && error.code === "forbidden")
    return `${error.message} Sign in with a key that has it, or make one under API keys.`;
  return error instanceof Error ? error.message : String(error);
}
