/** The messages of a room, the newest at the end. */
import { Button, Loader, Text } from "@mantine/core";
import { IconArrowDown } from "@tabler/icons-react";
import { useCallback, useImperativeHandle, useRef, useState, type Ref } from "react";
import type { Room, RoomSnapshot } from "../../src/client/client.ts";
import { count } from "../parts/amount.ts";
import type { Deeds } from "./deeds.ts";
import { MessageRow } from "./messageRow.tsx";
import { textOf } from "../parts/ErrorState.tsx";
import { shownError } from "./refused.ts";
import { heldMessage, useSlidingWindow } from "./slidingWindow.ts";

export interface TimelineHandle {
  /** Brings a message into sight; false where it is not held. */
  readonly show: (id: number) => boolean;
}

export interface TimelineProps {
  readonly ref: Ref<TimelineHandle>;
  readonly room: Room;
  readonly snapshot: RoomSnapshot;
  readonly user: string;
  readonly deeds: Deeds;
}

export function Timeline({ ref, room, snapshot, user, deeds }: TimelineProps) {
  const { messages, hasMore, outbox } = snapshot;
  const older = useOlder(room, hasMore);
  const { shown, scroller, content, onScroll, newer, isFollowing, toNewest, toMessage } = useSlidingWindow(
    messages,
    older.load,
  );
  useImperativeHandle(ref, () => ({ show: toMessage }));
  return (
    <div className="timeline">
      <div
        className="timeline-scroller"
        ref={scroller}
        onScroll={onScroll}
        tabIndex={0}
        role="log"
        aria-label="Messages"
      >
        <ol ref={content}>
          <li className="timeline-start">
            <Beginning hasMore={hasMore} older={older} isEmpty={messages.length === 0} />
          </li>
          {shown.map((message) => (
            <MessageRow
              key={message.id}
              message={message}
              parent={message.replyTo === null ? null : heldMessage(messages, message.replyTo)}
              user={user}
              deeds={deeds}
            />
          ))}
          {isFollowing &&
            outbox.map(({ nonce, text }) => (
              <li key={nonce} className="message message-pending">
                <Text size="xs" c="dimmed">
                  on its way
                </Text>
                <div className="message-text" dir="auto">
                  {text}
                </div>
              </li>
            ))}
        </ol>
      </div>
      {!isFollowing && (
        <Button className="timeline-newest" size="xs" leftSection={<IconArrowDown size={14} />} onClick={toNewest}>
          {newer > 0 ? `${count(newer)} newer` : "To the newest"}
        </Button>
      )}
    </div>
  );
}

interface Older {
  readonly isLoading: boolean;
  readonly error: unknown;
  readonly load: () => void;
}

function useOlder(room: Room, hasMore: boolean): Older {
  const [isLoading, setLoading] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const isAsking = useRef(false);
  const load = useCallback(() => {
    if (!hasMore || isAsking.current) return;
    isAsking.current = true;
    setLoading(true);
    setError(null);
    room
      .history({ limit: 200 })
      .catch(setError)
      .finally(() => {
        isAsking.current = false;
        setLoading(false);
      });
  }, [room, hasMore]);
  return { isLoading, error, load };
}

function Beginning({
  hasMore,
  older,
  isEmpty,
}: {
  readonly hasMore: boolean;
  readonly older: Older;
  readonly isEmpty: boolean;
}) {
  if (older.error !== null)
    return (
      <Text size="xs" c="dimmed">
        {textOf(shownError(older.error))}{" "}
        <Button size="compact-xs" variant="default" onClick={older.load}>
          Try again
        </Button>
      </Text>
    );
  if (hasMore) return <Loader size="xs" aria-label="Loading older messages" role="status" />;
  return (
    <Text size="xs" c="dimmed">
      {isEmpty ? "No messages yet. Say something below." : "The room begins here."}
    </Text>
  );
}
