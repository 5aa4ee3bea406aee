/** The rooms, each with what is unread in it. All of them are on one connection. */
import { useRoom, useRoomState } from "parley/react";
import type { ReactElement } from "react";

const rooms = ["general", "design", "random"];

interface RoomTabsProps {
  readonly room: string;
  readonly onOpen: (room: string) => void;
}

export function RoomTabs({ room, onOpen }: RoomTabsProps): ReactElement {
  return (
    <nav className="rooms" aria-label="Rooms">
      {rooms.map((name) => (
        <RoomTab key={name} name={name} isOpen={name === room} onOpen={onOpen} />
      ))}
    </nav>
  );
}

interface RoomTabProps {
  readonly name: string;
  readonly isOpen: boolean;
  readonly onOpen: (room: string) => void;
}

function RoomTab({ name, isOpen, onOpen }: RoomTabProps): ReactElement {
  const unread = useRoomState(useRoom(name), ({ messages, receipts, user }) => {
    if (user === null) return 0;
    const readUpTo = receipts[user.id] ?? 0;
    return messages.filter(({ id, sender, deletedAt }) => id > readUpTo && deletedAt === null && sender?.id !== user.id)
      .length;
  });
  const isTold = unread > 0 && !isOpen;
  return (
    <button type="button" aria-current={isOpen ? "page" : undefined} onClick={() => onOpen(name)}>
      {name}
      {isTold && (
        <span className="unread">
          {unread > 99 ? "99+" : unread}
          <span className="unseen"> unread</span>
        </span>
      )}
    </button>
  );
}
