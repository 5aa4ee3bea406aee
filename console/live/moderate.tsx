/** Kicks, mutes or bans a user in the room. */
import { Button, Group, Modal, Radio, Select, Stack, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { ErrorState } from "../parts/ErrorState.tsx";
import { impose, type Sanction } from "./sanctions.ts";

export interface ModerateProps {
  readonly room: string;
  /** Null while nobody is to be moderated. */
  readonly user: string | null;
  readonly onClose: () => void;
}

export function Moderate({ room, user, onClose }: ModerateProps) {
  return (
    <Modal
      opened={user !== null}
      onClose={onClose}
      title="Moderate in this room"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {user !== null && <ModerateForm room={room} user={user} onClose={onClose} />}
    </Modal>
  );
}

const sanctions: readonly { readonly value: Sanction; readonly label: string; readonly description: string }[] = [
  {
    value: "kick",
    label: "Kick",
    description: "Closes the user's connections, with the reason. The user may come back.",
  },
  { value: "mute", label: "Mute", description: "The user reads, and changes nothing that others read." },
  { value: "ban", label: "Ban", description: "The user is thrown out, is told why, and is not let in." },
  { value: "shadow", label: "Shadow ban", description: "What the user says from now on is shown to nobody else." },
];

const terms = [
  { value: "600000", label: "10 minutes" },
  { value: "3600000", label: "1 hour" },
  { value: "86400000", label: "1 day" },
  { value: "604800000", label: "1 week" },
  { value: "2592000000", label: "30 days" },
  { value: "", label: "Until it is lifted" },
];

function ModerateForm({
  room,
  user,
  onClose,
}: {
  readonly room: string;
  readonly user: string;
  readonly onClose: () => void;
}) {
  const [sanction, setSanction] = useState<Sanction>("kick");
  const [reason, setReason] = useState("");
  const [term, setTerm] = useState("3600000");
  const imposing = useMutation({
    mutationFn: () => impose(room, user, { sanction, reason, forMs: term === "" ? null : Number(term) }),
    onSuccess: onClose,
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        imposing.mutate();
      }}
    >
      <Stack>
        <Text size="sm">
          User{" "}
          <Text span fw={600} className="anywhere">
            {user}
          </Text>
        </Text>
        <Radio.Group value={sanction} onChange={(value) => setSanction(sanctionOf(value))} label="What to do">
          <Stack gap="xs" mt="xs">
            {sanctions.map((offered) => (
              <Radio key={offered.value} {...offered} data-autofocus={offered.value === "kick" || undefined} />
            ))}
          </Stack>
        </Radio.Group>
        {sanction !== "kick" && (
          <Select
            label="For"
            data={terms}
            value={term}
            onChange={(value) => setTerm(value ?? "")}
            allowDeselect={false}
          />
        )}
        <TextInput
          label="Reason"
          description={sanction === "shadow" ? "For the audit log: the user is not to notice." : "The user is told."}
          maxLength={fixedLimits.reasonLength}
          value={reason}
          onChange={({ currentTarget }) => setReason(currentTarget.value)}
        />
        {imposing.error !== null && <ErrorState error={imposing.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" color="red.9" loading={imposing.isPending}>
            {sanctions.find(({ value }) => value === sanction)?.label}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function sanctionOf(value: string): Sanction {
  return sanctions.find((offered) => offered.value === value)?.value ?? "kick";
}
