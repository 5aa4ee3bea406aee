/** What went over the connection: chosen by type, held still, cleared, copied, and each frame in full. */
import { Button, Code, Group, MultiSelect, Stack, Text } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay, IconTrash } from "@tabler/icons-react";
import { useState, useSyncExternalStore } from "react";
import { CopyButton } from "../parts/CopyButton.tsx";
import { count } from "../parts/amount.ts";
import { FrameList } from "./frameList.tsx";
import { type FrameLog, framesKept, type LoggedFrame } from "./frameLog.ts";

export function Frames({ log }: { readonly log: FrameLog }) {
  const live = useSyncExternalStore(log.subscribe, log.get);
  const [paused, setPaused] = useState<readonly LoggedFrame[] | null>(null);
  const [types, setTypes] = useState<string[]>([]);
  const [chosen, setChosen] = useState<number | null>(null);
  const all = paused ?? live;
  const frames = types.length === 0 ? all : all.filter(({ type }) => types.includes(type));
  const frame = all.find(({ number }) => number === chosen) ?? null;
  const clear = (): void => {
    log.clear();
    setPaused(null);
    setChosen(null);
  };
  return (
    <Stack gap="sm">
      <Group gap="sm" align="flex-end">
        <MultiSelect
          label="Types"
          placeholder={types.length === 0 ? "All of them" : ""}
          data={[...new Set(all.map(({ type }) => type))].sort()}
          value={types}
          onChange={setTypes}
          flex="1 1 12rem"
          clearable
          clearButtonProps={{ "aria-label": "All types" }}
        />
        <Button
          variant="default"
          leftSection={paused === null ? <IconPlayerPause size={16} /> : <IconPlayerPlay size={16} />}
          onClick={() => setPaused(paused === null ? live : null)}
        >
          {paused === null ? "Pause" : "Go on"}
        </Button>
        <Button variant="default" leftSection={<IconTrash size={16} />} onClick={clear}>
          Clear
        </Button>
        <CopyButton value={frames.map(lineOf).join("\n")} label="Copy the frames" size="sm" />
      </Group>
      <Text size="xs" c="dimmed" aria-live="off">
        {count(frames.length)} shown. The last {count(framesKept)} are kept, here and nowhere else.
        {paused !== null && live !== paused && " More have come meanwhile."}
      </Text>
      <FrameList frames={frames} chosen={chosen} onChoose={setChosen} />
      {frame === null ? (
        <Text size="sm" c="dimmed">
          Choose a frame to see it in full.
        </Text>
      ) : (
        <Whole frame={frame} />
      )}
    </Stack>
  );
}

function Whole({ frame: { number, text } }: { readonly frame: LoggedFrame }) {
  const [isPretty, setPretty] = useState(true);
  const shown = isPretty ? prettyOf(text) : text;
  return (
    <div>
      <Group gap="sm" mb="xs">
        <Text size="sm" fw={600}>
          Frame {number}
        </Text>
        <Button size="xs" variant="default" aria-pressed={isPretty} onClick={() => setPretty(!isPretty)}>
          {isPretty ? "As it was sent" : "Indented"}
        </Button>
        <CopyButton value={shown} label="Copy the frame" />
      </Group>
      <Code block className="anywhere frame-whole" tabIndex={0} aria-label={`Frame ${number}`}>
        {shown}
      </Code>
    </div>
  );
}

function prettyOf(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function lineOf({ atMs, direction, text }: LoggedFrame): string {
  return `${new Date(atMs).toISOString()} ${direction} ${text}`;
}
