/**
 * The part of a long list of messages that is in the page. It slides with the reader, so that ten thousand cost as much as a hundred; what
 * the reader looks at stays where it is, whatever comes before or after it.
 */
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Message } from "../../src/client/client.ts";

/** Rows in the page at most, and by how many it slides. A row has 40 pixels at least: it is always more than a screen. */
const span = 120;
const step = 40;
/** As near to an end, in pixels, the next rows are put there. */
const nearPx = 600;
/** As near to the newest the reader is taken to follow them. */
const followPx = 40;

export interface SlidingWindow {
  readonly shown: readonly Message[];
  /** Of the element that scrolls; each row in it has `data-id`. */
  readonly scroller: RefObject<HTMLDivElement | null>;
  /** Within it: what grows. */
  readonly content: RefObject<HTMLOListElement | null>;
  readonly onScroll: () => void;
  /** Newer messages than those in the page; 0 while the reader follows. */
  readonly newer: number;
  readonly isFollowing: boolean;
  readonly toNewest: () => void;
  /** Brings a message into the page, and says whether it is held. */
  readonly toMessage: (id: number) => boolean;
}

/** `loadOlder` is called where the reader comes near to the first that is held. */
export function useSlidingWindow(messages: readonly Message[], loadOlder: () => void): SlidingWindow {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLOListElement>(null);
  const anchor = useRef<Anchor | null>(null);
  const target = useRef<number | null>(null);
  // The last one in the page; null while it is the newest.
  const [end, setEnd] = useState<number | null>(null);
  const endIndex = end === null ? messages.length : countUpTo(messages, end);
  const startIndex = Math.max(0, endIndex - span);

  const settle = useCallback(() => {
    const element = scroller.current;
    if (element === null) return;
    const wanted = target.current === null ? null : rowOf(element, target.current);
    if (wanted !== null) {
      wanted.scrollIntoView({ block: "center" });
      wanted.focus({ preventScroll: true });
      target.current = null;
    } else if (end === null) element.scrollTop = element.scrollHeight;
    else if (anchor.current !== null) keepInPlace(element, anchor.current);
    anchor.current = anchorOf(element);
  }, [end]);
  // The size changes before an effect would tell the observer of a new end: it would scroll by the old one.
  const settled = useRef(settle);
  useLayoutEffect(() => {
    settled.current = settle;
    settle();
  });
  useEffect(() => {
    const observer = new ResizeObserver(() => settled.current());
    for (const { current } of [scroller, content]) if (current !== null) observer.observe(current);
    return () => observer.disconnect();
  }, []);

  const slide = useCallback(() => {
    const element = scroller.current;
    const newest = messages.at(-1);
    if (element === null || newest === undefined) return;
    const { scrollTop, scrollHeight, clientHeight } = element;
    const below = scrollHeight - clientHeight - scrollTop;
    const isAtEnd = endIndex === messages.length;
    if (end === null && below > followPx) setEnd(newest.id);
    else if (end !== null && isAtEnd && below <= followPx) setEnd(null);
    else if (end !== null && !isAtEnd && below < nearPx) setEnd(messages[endIndex + step]?.id ?? newest.id);
    else if (end !== null && scrollTop < nearPx && startIndex > 0)
      setEnd(messages[Math.max(span, endIndex - step) - 1]?.id ?? end);
    else if (scrollTop < nearPx && startIndex === 0) loadOlder();
  }, [messages, end, endIndex, startIndex, loadOlder]);
  const onScroll = useCallback(() => {
    if (scroller.current !== null) anchor.current = anchorOf(scroller.current);
    slide();
  }, [slide]);
  // What slid or was loaded may not be enough.
  useEffect(slide, [slide]);

  const toMessage = (id: number): boolean => {
    const index = countUpTo(messages, id) - 1;
    if (messages[index]?.id !== id) return false;
    target.current = id;
    setEnd(messages[Math.min(messages.length, Math.max(span, index + span / 2)) - 1]?.id ?? null);
    settle();
    return true;
  };
  const newer = end === null ? 0 : messages.length - countUpTo(messages, end);
  const shown = messages.slice(startIndex, endIndex);
  return {
    shown,
    scroller,
    content,
    onScroll,
    newer,
    isFollowing: end === null,
    toNewest: () => setEnd(null),
    toMessage,
  };
}

/** A row in sight, and where its upper edge is in the element that scrolls. */
interface Anchor {
  readonly id: string;
  readonly top: number;
}

function anchorOf(element: HTMLElement): Anchor | null {
  const { top } = element.getBoundingClientRect();
  for (const row of element.querySelectorAll<HTMLElement>("[data-id]")) {
    const place = row.getBoundingClientRect();
    if (place.bottom > top) return { id: row.dataset["id"] ?? "", top: place.top - top };
  }
  return null;
}

function keepInPlace(element: HTMLElement, { id, top }: Anchor): void {
  const row = element.querySelector<HTMLElement>(`[data-id="${id}"]`);
  if (row === null) return;
  element.scrollTop += row.getBoundingClientRect().top - element.getBoundingClientRect().top - top;
}

function rowOf(element: HTMLElement, id: number): HTMLElement | null {
  return element.querySelector<HTMLElement>(`[data-id="${id}"]`);
}

/** How many have this id or a lower one: they are in order. */
function countUpTo(messages: readonly Message[], id: number): number {
  let [low, high] = [0, messages.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((messages[middle]?.id ?? Infinity) <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Null where it is not held. */
export function heldMessage(messages: readonly Message[], id: number): Message | null {
  const found = messages[countUpTo(messages, id) - 1];
  return found?.id === id ? found : null;
}
