/** Makes a room, with settings where one wants any. */
import { Accordion, Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { ErrorState } from "../parts/ErrorState.tsx";
import { changedOf } from "../takeOver.ts";
import { createRoom } from "./roomInfo.ts";
import { draftOf, noSettings, settingsOf, settingsRules } from "./settingsDraft.ts";
import { SettingsFields } from "./settingsFields.tsx";
import { unfitRoom } from "./speaker.ts";

export interface NewRoomProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export function NewRoom(props: NewRoomProps) {
  return (
    <Modal
      opened={props.isOpen}
      onClose={props.onClose}
      title="New room"
      size="lg"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <NewRoomForm onClose={props.onClose} />
    </Modal>
  );
}

/** Within the modal, so that it begins empty each time. */
function NewRoomForm({ onClose }: { readonly onClose: () => void }) {
  const name = useForm({ initialValues: { name: "" }, validate: { name: unfitRoom } });
  const settings = useForm({ initialValues: draftOf(noSettings), validate: settingsRules });
  const navigate = useNavigate();
  const making = useMutation({
    mutationFn: async () => {
      const room = name.values.name;
      await createRoom(room, changedOf(noSettings, settingsOf(settings.values)));
      onClose();
      await navigate({ to: "/rooms/$room", params: { room } });
    },
  });
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    const isFit = !name.validate().hasErrors && !settings.validate().hasErrors;
    if (isFit) making.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="Name"
          description="It stands in addresses and in the rights of tokens: team:blue can be granted as team:*."
          data-autofocus
          autoComplete="off"
          {...name.getInputProps("name")}
        />
        <Accordion variant="contained">
          <Accordion.Item value="settings">
            <Accordion.Control>Settings</Accordion.Control>
            <Accordion.Panel>
              <SettingsFields form={settings} />
            </Accordion.Panel>
          </Accordion.Item>
        </Accordion>
        {making.error !== null && <ErrorState error={making.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={making.isPending}>
            Create the room
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
