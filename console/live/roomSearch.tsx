/** Finds messages of the room, and shows where the words are. */
import { Button, Drawer, Mark, Stack, Text, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { type FormEvent, Fragment, type ReactNode, useState } from "react";
import type { Room, SearchPage } from "../../src/client/client.ts";
import { EmptyState } from "../parts/EmptyState.tsx";
import { ErrorState } from "../parts/ErrorState.tsx";
import { TableSkeleton } from "../parts/Loading.tsx";
import { ShowMore } from "../parts/ShowMore.tsx";
import { Time } from "../parts/Time.tsx";
import type { Deeds } from "./deeds.ts";
import { shownError } from "./refused.ts";
import { SearchOff, useSearched } from "./searchOff.tsx";

export interface RoomSearchProps {
  readonly room: Room;
  /** The room's own setting; null where the tenant's counts. */
  readonly setting: boolean | null;
  readonly deeds: Deeds;
}

export function RoomSearch({ room, setting, deeds }: RoomSearchProps) {
  const [isOpen, setOpen] = useState(false);
  // The focus goes to the message that is shown, and otherwise back to the button.
  const [isShown, setShown] = useState(false);
  const open = (): void => {
    setShown(false);
    setOpen(true);
  };
  const show = (id: number): void => {
    setShown(true);
    setOpen(false);
    deeds.show(id);
  };
  return (
    <>
      <Button size="compact-sm" variant="default" leftSection={<IconSearch size={14} />} onClick={open}>
        Search
      </Button>
      <Drawer
        opened={isOpen}
        onClose={() => setOpen(false)}
        position="right"
        returnFocus={!isShown}
        title="Search this room"
        closeButtonProps={{ "aria-label": "Close" }}
      >
        <Search room={room} setting={setting} onShow={show} />
      </Drawer>
    </>
  );
}

interface SearchProps {
  readonly room: Room;
  readonly setting: boolean | null;
  readonly onShow: (id: number) => void;
}

function Search({ room, setting, onShow }: SearchProps) {
  const isSearched = useSearched(setting);
  const [words, setWords] = useState("");
  const [asked, setAsked] = useState("");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setAsked(words.trim());
  };
  if (isSearched === false) return <SearchOff room={room.name} isOwn={setting === false} />;
  return (
    <Stack>
      <form onSubmit={submit}>
        <TextInput
          label="Words"
          description={'All of them; "a phrase", begin*, -without.'}
          value={words}
          onChange={({ currentTarget }) => setWords(currentTarget.value)}
          rightSection={<IconSearch size={16} aria-hidden />}
          data-autofocus
        />
      </form>
      {asked !== "" && <Found room={room} asked={asked} onShow={onShow} />}
    </Stack>
  );
}

interface FoundProps {
  readonly room: Room;
  readonly asked: string;
  readonly onShow: (id: number) => void;
}

function Found({ room, asked, onShow }: FoundProps) {
  const found = useInfiniteQuery({
    queryKey: ["search", room.name, asked],
    queryFn: ({ pageParam, signal }) =>
      room.search(asked, { signal, order: "newest", limit: 20, ...(pageParam === null ? {} : { next: pageParam }) }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next ?? null,
    retry: false,
    staleTime: 0,
  });
  if (found.data === undefined)
    return found.error === null ? (
      <TableSkeleton rows={3} />
    ) : (
      <ErrorState error={shownError(found.error)} onRetry={() => void found.refetch()} />
    );
  const items = found.data.pages.flatMap((page) => page.items);
  if (items.length === 0) return <EmptyState icon={IconSearch} title="No message has these words" />;
  return (
    <>
      {found.data.pages.at(-1)?.complete === false && (
        <Text size="xs" c="dimmed">
          Older messages are still being put into the index.
        </Text>
      )}
      <ol className="plain">
        {items.map((item) => (
          <Hit key={item.message.id} item={item} onShow={onShow} />
        ))}
      </ol>
      <ShowMore key={asked} rest={found} shown={shownError} />
    </>
  );
}

type Item = SearchPage["items"][number];

function Hit({ item, onShow }: { readonly item: Item; readonly onShow: (id: number) => void }) {
  const { id, sender, createdAt } = item.message;
  return (
    <li className="hit">
      <Text size="xs" c="dimmed" className="anywhere">
        {sender?.name ?? sender?.id ?? "the tenant's server"} <Time at={createdAt} />
      </Text>
      <div className="message-text" dir="auto">
        {marked(item)}
      </div>
      <Button size="compact-xs" variant="default" mt={4} onClick={() => onShow(id)}>
        Show #{id} in the room
      </Button>
    </li>
  );
}

/** The text around what was found, or all of it. What matches is told as places in the text, and never as markup. */
function marked({ message, highlights, excerpt }: Item): ReactNode {
  const text = message.text ?? "";
  const [from, length] = excerpt ?? [0, text.length];
  const end = from + length;
  const parts: ReactNode[] = [];
  let at = from;
  for (const [begins, units] of highlights) {
    if (begins < at || begins + units > end) continue;
    parts.push(<Fragment key={`t${at}`}>{text.slice(at, begins)}</Fragment>);
    parts.push(<Mark key={begins}>{text.slice(begins, begins + units)}</Mark>);
    at = begins + units;
  }
  return [from > 0 ? "… " : "", ...parts, text.slice(at, end), end < text.length ? " …" : ""];
}
