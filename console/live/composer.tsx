/** Says something in the room: text, data, files, a reply, or a stream that writes itself. */
import { ActionIcon, Button, FileButton, Group, JsonInput, Pill, Stack, Text, Textarea } from "@mantine/core";
import { IconBraces, IconPaperclip, IconSend, IconWand, IconX } from "@tabler/icons-react";
import { type KeyboardEvent, useRef } from "react";
import type { Message, Room } from "../../src/client/client.ts";
import { ErrorState } from "../parts/ErrorState.tsx";
import { type Draft, draftBox, useDrafts } from "./draft.ts";
import { NotSent } from "./notSent.tsx";
import { shownError } from "./refused.ts";

export interface ComposerProps {
  readonly room: Room;
  readonly user: string;
  /** Why nothing can be said here; null where it can. */
  readonly closed: string | null;
  readonly onStream: () => void;
}

export function Composer({ room, user, closed, onStream }: ComposerProps) {
  const drafts = useDrafts(room.name);
  const { draft, error } = drafts;
  const box = draftBox(room.name);
  const set = (part: Partial<Draft>): void => box.set(part);
  const send = (): void => box.send(room);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  return (
    <Stack gap={6} className="composer">
      <NotSent room={room} drafts={drafts} />
      {error !== null && <ErrorState error={shownError(error)} />}
      {draft.replyTo !== null && <ReplyingTo message={draft.replyTo} onForget={() => set({ replyTo: null })} />}
      {draft.files.length > 0 && (
        <Pill.Group>
          {draft.files.map((file, index) => (
            <Pill
              key={`${file.name} ${index}`}
              withRemoveButton
              // By itself it is for a mouse alone.
              removeButtonProps={{ "aria-label": `Remove ${file.name}`, "aria-hidden": false, tabIndex: 0 }}
              onRemove={() => set({ files: draft.files.filter((other) => other !== file) })}
            >
              {file.name}
            </Pill>
          ))}
        </Pill.Group>
      )}
      <div className="composer-row">
        <Textarea
          className="composer-text"
          aria-label="Message"
          placeholder={closed ?? `Message as ${user}`}
          autosize
          minRows={1}
          maxRows={8}
          disabled={closed !== null}
          value={draft.text}
          onChange={({ currentTarget }) => {
            set({ text: currentTarget.value });
            if (currentTarget.value !== "") room.typing();
          }}
          onKeyDown={onKeyDown}
        />
        <Tools isClosed={closed !== null} draft={draft} set={set} onStream={onStream} />
        <Button onClick={send} disabled={closed !== null} leftSection={<IconSend size={16} />}>
          Send
        </Button>
      </div>
      {draft.data !== null && (
        <JsonInput
          label="Data"
          description="Any JSON value. It goes with the message, or instead of a text."
          autosize
          minRows={2}
          maxRows={10}
          value={draft.data}
          onChange={(data) => set({ data })}
        />
      )}
    </Stack>
  );
}

function ReplyingTo({ message, onForget }: { readonly message: Message; readonly onForget: () => void }) {
  return (
    <Group gap={6} wrap="nowrap">
      <Text size="xs" c="dimmed" lineClamp={1} className="anywhere">
        Reply to #{message.id}: {message.text ?? "data"}
      </Text>
      <ActionIcon size="xs" variant="subtle" color="gray" aria-label="No reply" onClick={onForget}>
        <IconX size={12} />
      </ActionIcon>
    </Group>
  );
}

interface ToolsProps {
  readonly isClosed: boolean;
  readonly draft: Draft;
  readonly set: (part: Partial<Draft>) => void;
  readonly onStream: () => void;
}

function Tools({ isClosed, draft, set, onStream }: ToolsProps) {
  const reset = useRef<() => void>(null);
  const addFiles = (files: File[]): void => {
    set({ files: [...draft.files, ...files] });
    // The same file may be chosen again.
    reset.current?.();
  };
  return (
    <Group gap={2} wrap="nowrap">
      <FileButton onChange={addFiles} multiple resetRef={reset} inputProps={{ "aria-label": "Files to attach" }}>
        {(props) => <Tool {...props} label="Attach files" isClosed={isClosed} icon={<IconPaperclip size={18} />} />}
      </FileButton>
      <Tool
        label={draft.data === null ? "Add data" : "Without data"}
        isClosed={isClosed}
        onClick={() => set({ data: draft.data === null ? "" : null })}
        icon={<IconBraces size={18} />}
      />
      <Tool label="Stream a demo message" isClosed={isClosed} onClick={onStream} icon={<IconWand size={18} />} />
    </Group>
  );
}

function Tool(props: {
  readonly label: string;
  readonly isClosed: boolean;
  readonly icon: React.ReactNode;
  readonly onClick?: () => void;
}) {
  const { label, isClosed, icon, onClick } = props;
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size={36}
      title={label}
      aria-label={label}
      disabled={isClosed}
      {...(onClick === undefined ? {} : { onClick })}
    >
      {icon}
    </ActionIcon>
  );
}
