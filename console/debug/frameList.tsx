/** The frames that went over the connection, the newest at the end: rows of one height, of which those in sight are in the page. */
import { Text, VisuallyHidden } from "@mantine/core";
import { type KeyboardEvent, useLayoutEffect, useRef, useState } from "react";
import { count } from "../parts/amount.ts";
import type { LoggedFrame } from "./frameLog.ts";

export interface FrameListProps {
  readonly frames: readonly LoggedFrame[];
  /** The number of the one that is looked at. */
  readonly chosen: number | null;
  readonly onChoose: (number: number) => void;
}

const rowPx = 28;
/** Rows beyond each edge, so that scrolling shows no hole. */
const spare = 10;

export function FrameList({ frames, chosen, onChoose }: FrameListProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(420);
  const isFollowing = useRef(true);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    setHeight(element.clientHeight);
    if (isFollowing.current) element.scrollTop = element.scrollHeight;
  }, [frames]);
  const first = Math.max(0, Math.floor(top / rowPx) - spare);
  const shown = frames.slice(first, Math.ceil((top + height) / rowPx) + spare);
  const onScroll = (): void => {
    const element = scroller.current;
    if (element === null) return;
    setTop(element.scrollTop);
    isFollowing.current = element.scrollHeight - element.clientHeight - element.scrollTop < rowPx;
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (by === 0 || frames.length === 0) return;
    event.preventDefault();
    const at = frames.findIndex(({ number }) => number === chosen);
    const index = at < 0 ? frames.length - 1 : Math.min(frames.length - 1, Math.max(0, at + by));
    const next = frames[index];
    if (next === undefined) return;
    onChoose(next.number);
    bringIntoSight(scroller.current, index);
  };
  return (
    <div
      ref={scroller}
      className="frames"
      onScroll={onScroll}
      onKeyDown={onKeyDown}
      tabIndex={0}
      role="listbox"
      aria-label="Frames"
      aria-activedescendant={chosen === null ? undefined : `frame-${chosen}`}
    >
      <div role="presentation" style={{ height: frames.length * rowPx, position: "relative" }}>
        {shown.map((frame, index) => (
          <Row
            key={frame.number}
            frame={frame}
            top={(first + index) * rowPx}
            isChosen={frame.number === chosen}
            onChoose={onChoose}
          />
        ))}
      </div>
    </div>
  );
}

const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});
const arrows = { in: "←", out: "→", note: "·" };
const directions = { in: "received", out: "sent", note: "note" };

interface RowProps {
  readonly frame: LoggedFrame;
  readonly top: number;
  readonly isChosen: boolean;
  readonly onChoose: (number: number) => void;
}

function Row({ frame: { number, atMs, direction, type, bytes, text }, top, isChosen, onChoose }: RowProps) {
  return (
    <div
      id={`frame-${number}`}
      role="option"
      aria-selected={isChosen}
      className={`frame frame-${direction}`}
      style={{ top, height: rowPx }}
      onClick={() => onChoose(number)}
    >
      <span className="frame-time">{clock.format(atMs)}</span>
      <span className="frame-arrow">
        <span aria-hidden>{arrows[direction]}</span>
        <VisuallyHidden>{directions[direction]}</VisuallyHidden>
      </span>
      <span className="frame-type">{type}</span>
      <span className="frame-size">{direction === "note" ? "" : `${count(bytes)} B`}</span>
      <Text span inherit c="dimmed" className="frame-text">
        {text.slice(0, 300)}
      </Text>
    </div>
  );
}

function bringIntoSight(element: HTMLElement | null, index: number): void {
  if (element === null) return;
  const top = index * rowPx;
  if (top < element.scrollTop) element.scrollTop = top;
  else if (top + rowPx > element.scrollTop + element.clientHeight)
    element.scrollTop = top + rowPx - element.clientHeight;
}
