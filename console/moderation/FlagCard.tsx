/** One flag: the message, who flagged it and why, and what can be done. */
import { Badge, Button, Group, Paper, Skeleton, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { textOf } from "../parts/ErrorState.tsx";
import { LinkText } from "../parts/LinkText.tsx";
import { Time } from "../parts/Time.tsx";
import { ResolveModal } from "./ResolveModal.tsx";
import { type Flag, flaggedQuery } from "./moderationQueries.ts";

export interface FlagCardProps {
  readonly flag: Flag;
  readonly onBan: (user: string) => void;
}

export function FlagCard({ flag, onBan }: FlagCardProps) {
  const [deed, setDeed] = useState<"dismiss" | "delete" | null>(null);
  const { sender } = flag;
  return (
    <Paper withBorder p="md" component="li">
      <Group justify="space-between" gap="xs" mb="xs">
        <Text size="sm" fw={600}>
          {sender ?? "The tenant’s server"}{" "}
          <Text span inherit fw={400} c="dimmed">
            in{" "}
            <LinkText to="/rooms/$room" params={{ room: flag.room }} size="sm">
              {flag.room}
            </LinkText>
            , message {flag.message}
          </Text>
        </Text>
        {flag.state === "resolved" && (
          <Badge variant="light" color="gray">
            looked at
          </Badge>
        )}
      </Group>
      <FlaggedMessage flag={flag} />
      <Text size="sm" mt="xs" className="anywhere">
        Flagged by <b>{flag.user}</b> <Time at={flag.createdAt} />
        {flag.reason === null ? ", without a reason." : `: ${flag.reason}`}
      </Text>
      {flag.note !== null && (
        <Text size="sm" c="dimmed" className="anywhere">
          Note: {flag.note}
        </Text>
      )}
      {flag.state === "open" && (
        <Group gap="xs" mt="sm">
          <Button size="xs" variant="default" onClick={() => setDeed("dismiss")}>
            Dismiss
          </Button>
          <Button size="xs" variant="light" color="red" onClick={() => setDeed("delete")}>
            Delete the message
          </Button>
          {sender !== null && (
            <Button size="xs" variant="light" color="red" onClick={() => onBan(sender)}>
              Ban {sender}
            </Button>
          )}
        </Group>
      )}
      <ResolveModal flag={flag} deed={deed} onClose={() => setDeed(null)} />
    </Paper>
  );
}

function FlaggedMessage({ flag }: { readonly flag: Flag }) {
  const { data, error } = useQuery(flaggedQuery(flag));
  if (data === undefined)
    return error === null ? (
      <Skeleton height={24} />
    ) : (
      <Text size="sm" c="dimmed">
        {textOf(error)}
      </Text>
    );
  const { text, deletedAt } = data.message;
  if (deletedAt !== null)
    return (
      <Text size="sm" c="dimmed" fs="italic">
        It has been deleted.
      </Text>
    );
  return (
    <Text className="anywhere said" lineClamp={8}>
      {text ?? "(no text)"}
    </Text>
  );
}
