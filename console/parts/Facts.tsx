/** Some facts side by side: a name, and what is so. */
import { SimpleGrid, Text } from "@mantine/core";
import type { ReactNode } from "react";

export interface FactsProps {
  readonly facts: readonly { readonly name: string; readonly value: ReactNode }[];
}

export function Facts({ facts }: FactsProps) {
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, md: 4 }} spacing="md" component="dl" m={0}>
      {facts.map(({ name, value }) => (
        <div key={name}>
          <Text component="dt" size="xs" c="dimmed">
            {name}
          </Text>
          <Text component="dd" m={0} className="anywhere">
            {value}
          </Text>
        </div>
      ))}
    </SimpleGrid>
  );
}
