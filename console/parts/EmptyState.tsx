/** Where there is nothing yet: says so, why, and what to do about it. */
import { Stack, Text, ThemeIcon } from "@mantine/core";
import type { ComponentType, ReactNode } from "react";

export interface EmptyStateProps {
  readonly icon: ComponentType<{ size?: number; stroke?: number }>;
  /** What is not there: "No rooms yet". */
  readonly title: string;
  /** How something comes to be here. */
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}

export function EmptyState({ icon: Icon, title, children, action }: EmptyStateProps) {
  return (
    <Stack align="center" gap="xs" py="xl" ta="center">
      <ThemeIcon variant="light" color="gray" size={48} radius="xl" aria-hidden>
        <Icon size={24} stroke={1.6} />
      </ThemeIcon>
      <Text fw={600}>{title}</Text>
      {children !== undefined && (
        <Text c="dimmed" size="sm" maw="32rem" component="div">
          {children}
        </Text>
      )}
      {action}
    </Stack>
  );
}
