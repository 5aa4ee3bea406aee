/** Which connection to open: rooms, user, rights, and by what. */
import { Button, Chip, Group, Input, SegmentedControl, SimpleGrid, Stack, TagsInput, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { type RoomCapability, roomCapabilities } from "../../src/protocol/capabilities.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { unfitRoom, unfitUser, useSpeaker } from "../live/speaker.ts";
import type { WireOptions, WireState } from "./wire.ts";

export interface WireFormProps {
  /** The most that this key can give. */
  readonly rights: readonly RoomCapability[];
  readonly state: WireState | null;
  readonly onOpen: (options: WireOptions) => void;
  readonly onClose: () => void;
}

export function WireForm({ rights, state, onOpen, onClose }: WireFormProps) {
  const { options, set, unfit } = useOptions(rights);
  const isBusy = state !== null && state.name !== "closed";
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (unfit.rooms === null && unfit.user === null) onOpen(options);
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <SimpleGrid cols={{ base: 1, sm: 2 }} verticalSpacing="sm">
          <TagsInput
            label="Rooms"
            description="One, or many on one connection."
            placeholder={options.rooms.length === 0 ? "general" : ""}
            value={[...options.rooms]}
            onChange={(rooms) => set({ rooms })}
            acceptValueOnBlur
            error={options.rooms.length > 0 && unfit.rooms}
            clearable
            clearButtonProps={{ "aria-label": "No rooms" }}
          />
          <TextInput
            label="User"
            description="Whom the token is for."
            value={options.user}
            onChange={({ currentTarget }) => set({ user: currentTarget.value })}
            error={unfit.user}
            maxLength={128}
          />
          <TextInput
            label="Cursor"
            description="Where to go on; empty for the newest, 0 for all."
            value={options.cursor}
            onChange={({ currentTarget }) => set({ cursor: currentTarget.value.trim() })}
            disabled={options.rooms.length > 1}
          />
          <Input.Wrapper label="By" labelElement="div" description="What carries the frames.">
            <SegmentedControl
              mt={4}
              fullWidth
              aria-label="By"
              data={[
                { value: "socket", label: "WebSocket" },
                { value: "events", label: "EventSource" },
              ]}
              value={options.by}
              onChange={(by) => set({ by: by === "events" ? "events" : "socket" })}
            />
          </Input.Wrapper>
        </SimpleGrid>
        <Capabilities rights={rights} chosen={options.rights} onChange={(chosen) => set({ rights: chosen })} />
        <Group gap="sm">
          <Button type="submit" disabled={options.rooms.length === 0 || unfit.rooms !== null}>
            {isBusy ? "Open anew" : "Open"}
          </Button>
          <Button variant="default" onClick={onClose} disabled={!isBusy}>
            Close
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface CapabilitiesProps {
  readonly rights: readonly RoomCapability[];
  readonly chosen: readonly RoomCapability[];
  readonly onChange: (chosen: RoomCapability[]) => void;
}

function Capabilities({ rights, chosen, onChange }: CapabilitiesProps) {
  const description =
    rights.length === 0
      ? "This key can do nothing in rooms, and neither could its token."
      : "What the token allows in these rooms.";
  return (
    <Input.Wrapper label="Capabilities" labelElement="div" description={description}>
      <Chip.Group
        multiple
        value={[...chosen]}
        onChange={(values) => onChange(roomCapabilities.filter((right) => values.includes(right)))}
      >
        <Group gap={6} mt={6}>
          {rights.map((right) => (
            <Chip key={right} value={right} size="xs" variant="light">
              {right}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
    </Input.Wrapper>
  );
}

function useOptions(rights: readonly RoomCapability[]) {
  const [user] = useSpeaker();
  const asked = new URLSearchParams(location.search).get("room");
  const [options, setOptions] = useState<WireOptions>({
    rooms: asked === null ? [] : [asked],
    user,
    rights,
    by: "socket",
    cursor: "",
  });
  const set = (part: Partial<WireOptions>): void => setOptions((before) => ({ ...before, ...part }));
  const most = options.by === "socket" ? fixedLimits.roomsPerConnection : fixedLimits.roomsPerStream;
  const wrong = options.rooms.map(unfitRoom).find((why) => why !== null) ?? null;
  const unfit = {
    rooms: options.rooms.length > most ? `At most ${most} rooms.` : wrong,
    user: unfitUser(options.user),
  };
  return { options, set, unfit };
}
