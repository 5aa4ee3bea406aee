/** Sends any frame by hand, also one that is none: the server's answer is the point. */
import { Button, Group, Select, Stack, Textarea } from "@mantine/core";
import { IconSend } from "@tabler/icons-react";
import { useState } from "react";
import { exampleOf, exampleTypes } from "./examples.ts";

export interface SendBoxProps {
  readonly rooms: readonly string[];
  /** Null while nothing can be sent. */
  readonly onSend: ((text: string) => void) | null;
}

export function SendBox({ rooms, onSend }: SendBoxProps) {
  const [text, setText] = useState('{"type":"ping"}');
  const isMany = rooms.length > 1;
  const pick = (type: string | null): void => {
    if (type !== null) setText(exampleOf(type, isMany ? (rooms[0] ?? null) : null));
  };
  return (
    <Stack gap="sm">
      <Textarea
        label="Frame"
        description="A JSON object, or an array of them. “…” as a token is replaced by a new one when it is sent."
        autosize
        minRows={4}
        maxRows={14}
        value={text}
        onChange={({ currentTarget }) => setText(currentTarget.value)}
        classNames={{ input: "mono" }}
        spellCheck={false}
      />
      <Group gap="sm" align="flex-end">
        <Select
          aria-label="Example of a frame"
          placeholder="Examples"
          data={exampleTypes(isMany)}
          value={null}
          onChange={pick}
          searchable
          flex="1 1 8rem"
        />
        <Button
          leftSection={<IconSend size={16} />}
          disabled={onSend === null || text.trim() === ""}
          onClick={() => onSend?.(text)}
        >
          Send the frame
        </Button>
      </Group>
    </Stack>
  );
}
