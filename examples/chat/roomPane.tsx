/** A room: who is here, what was said, who is writing, and the field to write in. */
import { type ShownMessage, useMessages, usePresence, useRoom, useTyping } from "parley/react";
import { type ReactElement, useCallback, useState } from "react";
import type { Person } from "./access.ts";
import { Composer } from "./composer.tsx";
import { MessageList } from "./messageList.tsx";

interface RoomPaneProps {
  readonly name: string;
  readonly person: Person;
}

export function RoomPane({ name, person }: RoomPaneProps): ReactElement {
  const room = useRoom(name);
  const view = useMessages(room, { window: 40 });
  const { typing, onInput } = useTyping(room);
  const [reply, setReply] = useState<ShownMessage | null>(null);
  const endReply = useCallback(() => setReply(null), []);
  return (
    <>
      <Here name={name} user={person.user} />
      <MessageList room={room} view={view} person={person} onReply={setReply} />
      {view.status === "failed" && (
        <p className="error" role="alert">
          {view.error?.message}
        </p>
      )}
      <p className="typing" role="status">
        {typing.length > 0 && `${names(typing.map((each) => each.name ?? each.user))} typing…`}
      </p>
      <Composer
        room={room}
        person={person}
        publish={view.publish}
        onInput={onInput}
        reply={reply}
        onReplyEnd={endReply}
      />
    </>
  );
}

function Here({ name, user: own }: { readonly name: string; readonly user: string }): ReactElement {
  const { members, count } = usePresence(useRoom(name));
  const sorted = members.toSorted((one, other) => (one.name ?? one.user).localeCompare(other.name ?? other.user));
  return (
    <div className="here">
      <span className="faces" aria-hidden="true">
        {sorted.slice(0, 5).map(({ user, name: shown }) => (
          <span key={user} className="face" data-of={user}>
            {(shown ?? user).slice(0, 1)}
          </span>
        ))}
      </span>
      <span className="count">{count} here</span>
      <ul className="names" aria-label="Who is here">
        {sorted.slice(0, 20).map(({ user, name: shown }) => (
          <li key={user}>
            <bdi>{shown ?? user}</bdi>
            {user === own && " (you)"}
          </li>
        ))}
        {count > Math.min(20, members.length) && (
          <li>and {(count - Math.min(20, members.length)).toLocaleString("en")} more</li>
        )}
      </ul>
    </div>
  );
}

function names(all: readonly string[]): string {
  const [first = "", second] = all;
  if (all.length > 2) return "Several people are";
  return second === undefined ? `${first} is` : `${first} and ${second} are`;
}
