/** Why something is not shown, in the API's own words, and what can be done. */
import { Alert, Anchor, Button, Code, Group, Text } from "@mantine/core";
import { IconAlertTriangle, IconLock } from "@tabler/icons-react";
import type { ReactNode } from "react";
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
        {coded(textOf(error))}
      </Text>
      {problem !== null && problem.status > 0 && (
        <Text size="xs" mt="xs" className="anywhere">
          <Anchor href={problem.code === "unknown" ? "/errors" : `/errors/${problem.code}`} inherit>
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
    return `${error.message} Sign in with a key that has it.`;
  if (error instanceof ProblemError && error.retryAfterMs !== undefined && error.status === 429)
    return `${error.message} Try again in ${Math.ceil(error.retryAfterMs / 1_000)} s.`;
  return error instanceof Error ? error.message : String(error);
}

/** The API writes names between backticks. */
export function coded(text: string): ReactNode[] {
  return text.split("`").map((part, index) => (index % 2 === 1 ? <Code key={index}>{part}</Code> : part));
}
