/** What was said, newest at the end. Older messages come when one scrolls up, and nothing moves under one's eyes. */
import type { Room } from "parley/client";
import { type MessagesView, type ShownMessage, useRoomState } from "parley/react";
import { type ReactElement, useCallback, useEffect, useLayoutEffect, useRef } from "react";
import { type Person, people } from "./access.ts";
import { MessageItem } from "./messageItem.tsx";

interface MessageListProps {
  readonly room: Room;
  readonly view: MessagesView;
  readonly person: Person;
  readonly onReply: (message: ShownMessage) => void;
}

/** Pixels: so near to an end counts as there. */
const nearPx = 60;

export function MessageList({ room, view, person, onReply }: MessageListProps): ReactElement {
  const { messages, status, hasMore, isLoadingOlder, loadOlder, olderError, showLatest } = view;
  const { box, isAtEnd } = useSteadyScroll(messages);
  useReading(room, messages.length);
  const readers = useReaders(room, messages, person.user);
  const onScroll = useCallback(() => {
    const { scrollTop, scrollHeight, clientHeight } = box.current ?? document.documentElement;
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < nearPx;
    if (isAtEnd.current) showLatest();
    else if (scrollTop < nearPx && hasMore && olderError === null) void loadOlder();
  }, [box, isAtEnd, hasMore, olderError, loadOlder, showLatest]);
  return (
    <div
      className="log"
      ref={box}
      role="log"
      aria-label={`Messages in ${room.name}`}
      aria-busy={isLoadingOlder}
      tabIndex={0}
      onScroll={onScroll}
      data-status={status}
    >
      {hasMore && (
        <button className="older quiet" type="button" onClick={() => void loadOlder()} disabled={isLoadingOlder}>
          {isLoadingOlder ? "Loading…" : olderError === null ? "Older messages" : "That did not work. Try again"}
        </button>
      )}
      {messages.length === 0 && (
        <p className="empty">
          {status === "live" ? "Nothing has been said yet. Write the first message." : "Opening…"}
        </p>
      )}
      <ol>
        {messages.map((message, index) => (
          <MessageItem
            key={message.key}
            room={room}
            message={message}
            person={person}
            isFirst={message.sender?.id !== messages[index - 1]?.sender?.id}
            parent={parentOf(message, messages)}
            readBy={message.id === null ? "" : (readers.get(message.id) ?? "")}
            onReply={onReply}
            onRetry={view.retry}
            onDiscard={view.discard}
          />
        ))}
      </ol>
    </div>
  );
}

/** At the end it stays there; elsewhere what is seen stays where it is when older messages come above it. */
function useSteadyScroll(messages: readonly ShownMessage[]) {
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const before = useRef<{ readonly first: string | undefined; readonly height: number }>({
    first: undefined,
    height: 0,
  });
  useLayoutEffect(() => {
    const log = box.current;
    if (log === null) return;
    const first = messages[0]?.key;
    if (isAtEnd.current) log.scrollTop = log.scrollHeight;
    else if (first !== before.current.first) log.scrollTop += log.scrollHeight - before.current.height;
    before.current = { first, height: log.scrollHeight };
  }, [messages]);
  useEffect(() => {
    const log = box.current;
    if (log === null) return;
    // Pictures and a growing field change what there is to see, too.
    const watching = new ResizeObserver(() => {
      if (isAtEnd.current) log.scrollTop = log.scrollHeight;
    });
    watching.observe(log);
    for (const child of log.children) watching.observe(child);
    return () => watching.disconnect();
  }, []);
  return { box, isAtEnd };
}

/** Says how far it was read: only what was looked at, and of many messages at once only the last. */
function useReading(room: Room, count: number): void {
  useEffect(() => {
    const read = (): void => {
      if (document.visibilityState === "visible") room.read();
    };
    const timer = setTimeout(read, 300);
    document.addEventListener("visibilitychange", read);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", read);
    };
  }, [room, count]);
}

/** By message of one's own, who has read up to it: the newest that each has. */
function useReaders(room: Room, messages: readonly ShownMessage[], own: string): ReadonlyMap<number, string> {
  const receipts = useRoomState(room, (snapshot) => snapshot.receipts);
  const readers = new Map<number, string>();
  for (const [user, upTo] of Object.entries(receipts)) {
    if (user === own) continue;
    const last = messages.findLast(({ id, sender }) => id !== null && id <= upTo && sender?.id === own);
    const name = people.find((person) => person.user === user)?.name ?? user;
    if (last?.id) readers.set(last.id, [readers.get(last.id), name].filter(Boolean).join(", "));
  }
  return readers;
}

function parentOf({ replyTo }: ShownMessage, messages: readonly ShownMessage[]): ShownMessage | null {
  return replyTo === null ? null : (messages.find(({ id }) => id === replyTo) ?? null);
}
