/** A room's settings, and its end. */
import { Button, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { notifications } from "@mantine/notifications";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import type { RoomSettings } from "../../src/protocol/message.ts";
import { ConfirmModal } from "../parts/ConfirmModal.tsx";
import { ErrorState } from "../parts/ErrorState.tsx";
import { changedOf, useTakeOver } from "../takeOver.ts";
import { configureRoom, deleteRoom } from "./roomInfo.ts";
import { draftOf, settingsOf, settingsRules } from "./settingsDraft.ts";
import { SettingsFields } from "./settingsFields.tsx";

export interface SettingsProps {
  readonly room: string;
  readonly settings: RoomSettings;
}

export function Settings({ room, settings }: SettingsProps) {
  const form = useForm({ initialValues: draftOf(settings), validate: settingsRules });
  useTakeOver(form, draftOf(settings));
  const saving = useMutation({
    mutationFn: () => configureRoom(room, changedOf(settings, settingsOf(form.values))),
    onSuccess: () => notifications.show({ message: "The settings are saved.", color: "parley" }),
  });
  return (
    <Stack gap="xl">
      <form onSubmit={form.onSubmit(() => saving.mutate())}>
        <Stack>
          <SettingsFields form={form} />
          {saving.error !== null && <ErrorState error={saving.error} />}
          <Group>
            <Button type="submit" loading={saving.isPending} disabled={!form.isDirty()}>
              Save
            </Button>
            {form.isDirty() && (
              <Button variant="default" onClick={() => form.setValues(draftOf(settings))}>
                Undo
              </Button>
            )}
          </Group>
        </Stack>
      </form>
      <DeleteRoom room={room} />
    </Stack>
  );
}

function DeleteRoom({ room }: { readonly room: string }) {
  const [isAsking, setAsking] = useState(false);
  const navigate = useNavigate();
  return (
    <Paper withBorder p="md">
      <Group justify="space-between">
        <div>
          <Title order={2} size="h6">
            Delete the room
          </Title>
          <Text size="sm" c="dimmed">
            Its history, members and files go, and whoever is in it is told.
          </Text>
        </div>
        <Button color="red.9" onClick={() => setAsking(true)}>
          Delete
        </Button>
      </Group>
      <ConfirmModal
        isOpen={isAsking}
        onClose={() => setAsking(false)}
        title="Delete this room?"
        action="Delete the room"
        onConfirm={async () => {
          await deleteRoom(room);
          await navigate({ to: "/rooms" });
        }}
      >
        Everything in <strong className="anywhere">{room}</strong> is removed for good. Its name answers 410 until the
        room is made again.
      </ConfirmModal>
    </Paper>
  );
}
