/** The end of a form: to send it, to take back what was changed, and what the API says that concerns no field. */
import { Button, Group, Stack, Text } from "@mantine/core";
import { ErrorState } from "./ErrorState.tsx";

export interface FormActionsProps {
  /** The deed, as its button says it: "Save". */
  readonly action: string;
  readonly isSending: boolean;
  readonly problem: Error | null;
  /** Nothing to send while it is false. Left out where a form is sent as it is. */
  readonly isDirty?: boolean;
  /** Back to what is stored, or away from the form. */
  readonly onLeave?: () => void;
  readonly leaveLabel?: string;
}

export function FormActions({ action, isSending, problem, isDirty, onLeave, leaveLabel = "Cancel" }: FormActionsProps) {
  const isStill = isDirty === false;
  return (
    <Stack gap="sm" mt="xs">
      {problem !== null && <ErrorState error={problem} />}
      <Group gap="sm">
        <Button type="submit" loading={isSending} disabled={isStill}>
          {action}
        </Button>
        {onLeave !== undefined && (
          <Button variant="default" onClick={onLeave} disabled={isStill}>
            {leaveLabel}
          </Button>
        )}
        <Text size="sm" c="dimmed" role="status">
          {isDirty === true ? "Not saved yet." : ""}
        </Text>
      </Group>
    </Stack>
  );
}
