/** Which capabilities, each with what it is for. */
import { Button, Checkbox, Group, SimpleGrid } from "@mantine/core";
import type { ReactNode } from "react";
import type { Capability } from "../../src/protocol/capabilities.ts";
import { capabilityTexts, chatting } from "../capabilityTexts.ts";

export interface CapabilityFieldProps {
  readonly label: string;
  /** Those that there are to choose from: nobody gives what they do not have. */
  readonly offered: readonly Capability[];
  readonly value?: Capability[];
  readonly onChange?: (chosen: Capability[]) => void;
  readonly error?: ReactNode;
}

export function CapabilityField({ label, offered, value = [], onChange, error }: CapabilityFieldProps) {
  const among = (names: readonly Capability[]): Capability[] =>
    offered.filter((capability) => names.includes(capability));
  const choices = [
    ["All", [...offered]],
    ["Chat", among(chatting)],
    ["None", []],
  ] as const;
  return (
    <Checkbox.Group
      label={label}
      error={error}
      value={value}
      onChange={(names) => onChange?.(offered.filter((capability) => names.includes(capability)))}
    >
      <Group gap={6} mt={6} mb="sm">
        {choices.map(([name, chosen]) => (
          <Button key={name} size="compact-xs" variant="default" onClick={() => onChange?.([...chosen])}>
            {name}
          </Button>
        ))}
      </Group>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xs">
        {offered.map((capability) => (
          <Checkbox key={capability} value={capability} label={capability} description={capabilityTexts[capability]} />
        ))}
      </SimpleGrid>
    </Checkbox.Group>
  );
}
