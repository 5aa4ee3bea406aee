/** Who is banned or muted in the room, why, and until when. */
import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { IconShieldCheck } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { type Column, DataTable } from "../parts/DataTable.tsx";
import { EmptyState } from "../parts/EmptyState.tsx";
import { Loaded } from "../parts/Loaded.tsx";
import { TableSkeleton } from "../parts/Loading.tsx";
import { Time } from "../parts/Time.tsx";
import { orComplain } from "./complain.ts";
import { Moderate } from "./moderate.tsx";
import { lift, type Sanctioned, useSanctioned } from "./sanctions.ts";
import { unfitUser } from "./speaker.ts";

/** One line each: a user may be muted and banned. */
interface Line {
  readonly user: string;
  readonly what: "ban" | "mute";
  readonly label: string;
  readonly reason: string | null;
  readonly until: number | null;
}

export function Moderation({ room }: { readonly room: string }) {
  const found = useSanctioned(room);
  const [asked, setAsked] = useState<string | null>(null);
  return (
    <Stack>
      <ChooseUser onChosen={setAsked} />
      <Loaded query={found} skeleton={<TableSkeleton rows={3} />}>
        {(sanctioned) =>
          sanctioned.length === 0 ? (
            <EmptyState icon={IconShieldCheck} title="Nobody is banned or muted here">
              Moderate somebody from a message, from the list of who is here, or by the user&apos;s id above.
            </EmptyState>
          ) : (
            <DataTable
              label="Bans and mutes"
              columns={columnsFor(room)}
              items={sanctioned.flatMap(linesOf)}
              keyOf={({ user, what }) => `${what} ${user}`}
            />
          )
        }
      </Loaded>
      <Moderate room={room} user={asked} onClose={() => setAsked(null)} />
    </Stack>
  );
}

function ChooseUser({ onChosen }: { readonly onChosen: (user: string) => void }) {
  const [user, setUser] = useState("");
  const unfit = unfitUser(user);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (unfit === null) onChosen(user);
  };
  return (
    <form onSubmit={submit}>
      <Group align="flex-end" gap="sm">
        <TextInput
          label="User"
          flex="1 1 8rem"
          maw={240}
          maxLength={128}
          value={user}
          onChange={({ currentTarget }) => setUser(currentTarget.value)}
        />
        <Button type="submit" disabled={unfit !== null}>
          Moderate
        </Button>
      </Group>
    </form>
  );
}

function linesOf({ user, ban, mute }: Sanctioned): Line[] {
  const lines: Line[] = [];
  if (ban !== null) lines.push({ user, what: "ban", label: ban.shadow ? "shadow ban" : "ban", ...ban });
  if (mute !== null) lines.push({ user, what: "mute", label: "mute", ...mute });
  return lines;
}

function columnsFor(room: string): readonly Column<Line>[] {
  return [
    { heading: "User", cell: ({ user }) => user },
    { heading: "What", cell: ({ label }) => label },
    {
      heading: "Reason",
      cell: ({ reason }) =>
        reason ?? (
          <Text span inherit c="dimmed">
            none given
          </Text>
        ),
    },
    { heading: "Ends", cell: ({ until }) => <Time at={until} never="when it is lifted" /> },
    {
      heading: "Lift",
      isHeadingHidden: true,
      align: "right",
      cell: ({ user, what, label }) => (
        <Button
          size="compact-sm"
          variant="default"
          aria-label={`Lift the ${label} of ${user}`}
          onClick={() => void orComplain(lift(room, user, what))}
        >
          Lift
        </Button>
      ),
    },
  ];
}
