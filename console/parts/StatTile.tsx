/** One number, what it counts, and what is to be known of it. */
import { Paper, Skeleton, Text } from "@mantine/core";
import type { ReactNode } from "react";

export interface StatTileProps {
  readonly label: string;
  /** Undefined while it is not known: the tile has its size from the beginning. */
  readonly value: string | undefined;
  readonly note?: ReactNode;
}

export function StatTile({ label, value, note }: StatTileProps) {
  return (
    <Paper withBorder p="md">
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      {value === undefined ? (
        <Skeleton height={28} width={72} my={4} />
      ) : (
        <Text fz={24} lh="36px" fw={600} className="numbers">
          {value}
        </Text>
      )}
      <Text size="xs" c="dimmed" mih="1.2rem">
        {note}
      </Text>
    </Paper>
  );
}
