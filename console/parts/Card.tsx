/** A part of a page under a heading of its own. */
import { Box, Group, Paper, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

export interface CardProps {
  readonly title: string;
  readonly description?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

export function Card({ title, description, actions, children }: CardProps) {
  return (
    <Paper withBorder p="md">
      <Group justify="space-between" align="flex-start" gap="sm" mb="md">
        <Box flex={1} miw={220}>
          <Title order={2} size="h4">
            {title}
          </Title>
          {description !== undefined && (
            <Text size="sm" c="dimmed" mt={2} maw="44rem" component="div">
              {description}
            </Text>
          )}
        </Box>
        {actions !== undefined && <Group gap="sm">{actions}</Group>}
      </Group>
      {children}
    </Paper>
  );
}
