/** How this tab is connected, and as whom. */
import { Alert, Button, Group, Popover, Text, TextInput } from "@mantine/core";
import { IconPlugConnectedX, IconUser } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import type { Client, ConnectionState, ParleyError, RoomSnapshot } from "../../src/client/client.ts";
import { ErrorState } from "../parts/ErrorState.tsx";
import { Time } from "../parts/Time.tsx";
import { shownError } from "./refused.ts";
import { unfitUser } from "./speaker.ts";

export interface ConnectionBarProps {
  readonly state: ConnectionState;
  readonly snapshot: RoomSnapshot;
  readonly user: string;
  readonly onUser: (user: string) => void;
}

export function ConnectionBar({ state, snapshot: { status }, user, onUser }: ConnectionBarProps) {
  const isLive = state.name === "connected" && status === "live";
  return (
    <Group gap="sm" wrap="nowrap">
      <Group gap={6} wrap="nowrap" role="status">
        <span className={isLive ? "dot dot-live" : "dot"} aria-hidden />
        <Text size="sm">{wordsOf(state, status)}</Text>
      </Group>
      <Speaker user={user} onUser={onUser} />
    </Group>
  );
}

function wordsOf(state: ConnectionState, status: RoomSnapshot["status"]): string {
  if (state.name !== "connected") return state.name;
  return status === "live" ? `live, ${state.transport === "sse" ? "events" : "WebSocket"}` : status;
}

/** Who is spoken for. Everybody in the room sees that this user is here. */
function Speaker({ user, onUser }: Pick<ConnectionBarProps, "user" | "onUser">) {
  const [isOpen, setOpen] = useState(false);
  const [typed, setTyped] = useState(user);
  const unfit = unfitUser(typed.trim());
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (unfit !== null) return;
    onUser(typed.trim());
    setOpen(false);
  };
  return (
    <Popover opened={isOpen} onChange={setOpen} position="bottom-end" withArrow trapFocus shadow="md" width={280}>
      <Popover.Target>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconUser size={14} />}
          onClick={() => {
            setTyped(user);
            setOpen(!isOpen);
          }}
          aria-label={`As ${user}: choose another user`}
          maw="14rem"
        >
          {user}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <form onSubmit={submit}>
          <TextInput
            label="Be in the room as"
            description="Any user of yours. The others see that this user is here."
            value={typed}
            onChange={({ currentTarget }) => setTyped(currentTarget.value)}
            error={typed === "" ? null : unfit}
            data-autofocus
            maxLength={128}
          />
          <Button type="submit" size="xs" mt="sm" disabled={unfit !== null}>
            Be this user
          </Button>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

export interface ConnectionTroubleProps {
  readonly client: Client;
  readonly state: ConnectionState;
  readonly error: ParleyError | null;
  /** Enters the room again. */
  readonly onAgain: () => void;
}

/** Why nothing comes any more, and what is done about it. Nothing while all is well. */
export function ConnectionTrouble({ client, state, error, onAgain }: ConnectionTroubleProps) {
  if (state.name === "waiting" || state.name === "offline")
    return (
      <Alert color="yellow" icon={<IconPlugConnectedX />} title="Not connected" role="alert">
        <Text size="sm" className="anywhere">
          {state.error.message} What is shown may be old. The next try comes <Time at={state.retryAtMs} />.
        </Text>
        <Button size="xs" variant="default" mt="sm" onClick={() => client.connect()}>
          Try now
        </Button>
      </Alert>
    );
  if (state.name === "failed") return <ErrorState error={shownError(state.error)} onRetry={() => client.connect()} />;
  return error === null ? null : <ErrorState error={shownError(error)} onRetry={onAgain} />;
}
