/** For whom a token is, where it is good and for how long. */
import { ActionIcon, Button, Fieldset, Group, MultiSelect, NativeSelect, Paper, Stack, TextInput } from "@mantine/core";
import { useForm, type UseFormReturnType } from "@mantine/form";
import { IconPlus, IconX } from "@tabler/icons-react";
import { type RoomCapability, roomCapabilities } from "../../src/protocol/capabilities.ts";
import { chatting } from "../capabilityTexts.ts";
import { useTenantKey } from "../who.ts";

export interface WantedToken {
  readonly user: string;
  readonly name: string;
  readonly rooms: readonly { readonly pattern: string; readonly capabilities: RoomCapability[] }[];
  /** How long it is good, as a number in a text. */
  readonly seconds: string;
}

const lifetimes = [
  { value: "300", label: "5 minutes" },
  { value: "3600", label: "1 hour" },
  { value: "28800", label: "8 hours" },
  { value: "86400", label: "24 hours" },
];

export interface TokenFormProps {
  readonly onMake: (wanted: WantedToken) => void;
  readonly isMaking: boolean;
}

export function TokenForm({ onMake, isMaking }: TokenFormProps) {
  const offered = useOffered();
  const first = { pattern: "general", capabilities: offered.filter((name) => isChatting(name)) };
  const form = useForm<WantedToken>({
    initialValues: { user: "ada", name: "Ada", rooms: [first], seconds: "3600" },
    validate: {
      user: (user) => (user.trim() === "" ? "Say who it is for." : null),
      rooms: {
        pattern: (pattern, { rooms }) => unfitPattern(pattern, rooms),
        capabilities: (chosen) => (chosen.length === 0 ? "Choose at least one." : null),
      },
    },
  });
  return (
    <Paper withBorder p="md" component="form" onSubmit={form.onSubmit(onMake)}>
      <Stack>
        <Group grow align="flex-start">
          <TextInput label="User" description="Their id in your system." {...form.getInputProps("user")} />
          <TextInput label="Name" description="Shown to others." {...form.getInputProps("name")} />
        </Group>
        {form.values.rooms.map((_, index) => (
          <RoomFields key={index} form={form} index={index} offered={offered} />
        ))}
        <Group>
          <Button
            variant="default"
            size="xs"
            leftSection={<IconPlus size={14} />}
            onClick={() => form.insertListItem("rooms", { pattern: "", capabilities: first.capabilities })}
          >
            More rooms
          </Button>
        </Group>
        <NativeSelect label="Good for" data={lifetimes} {...form.getInputProps("seconds")} />
        <Group justify="flex-end">
          <Button type="submit" loading={isMaking}>
            Make the token
          </Button>
        </Group>
      </Stack>
    </Paper>
  );
}

interface RoomFieldsProps {
  readonly form: UseFormReturnType<WantedToken>;
  readonly index: number;
  readonly offered: readonly RoomCapability[];
}

function RoomFields({ form, index, offered }: RoomFieldsProps) {
  return (
    <Fieldset legend={index === 0 ? "Where, and what" : `Also (${index + 1})`}>
      <Stack gap="xs">
        <TextInput
          label="Rooms"
          description="A room’s name, or a pattern: team:* is all of team, * is every room."
          {...form.getInputProps(`rooms.${index}.pattern`)}
        />
        <MultiSelect
          label="Capabilities"
          data={[...offered]}
          hidePickedOptions
          {...form.getInputProps(`rooms.${index}.capabilities`)}
        />
        {index > 0 && (
          <ActionIcon
            variant="default"
            aria-label={`Remove these rooms (${index + 1})`}
            onClick={() => form.removeListItem("rooms", index)}
          >
            <IconX size={16} />
          </ActionIcon>
        )}
      </Stack>
    </Fieldset>
  );
}

/** What this key has itself; where that is not known, all, and the API says no. */
function useOffered(): readonly RoomCapability[] {
  const { capabilities } = useTenantKey();
  return capabilities === null ? roomCapabilities : roomCapabilities.filter((name) => capabilities.includes(name));
}

/** A token says of each pattern once what may be done there. */
function unfitPattern(pattern: string, rooms: WantedToken["rooms"]): string | null {
  if (pattern.trim() === "") return "Name a room.";
  const same = rooms.filter((other) => other.pattern.trim() === pattern.trim());
  return same.length > 1 ? "Another row names the same rooms: keep one of the two." : null;
}

function isChatting(name: RoomCapability): boolean {
  return chatting.some((one) => one === name);
}
