/** One message, and what may be done with it. */
import type { Room } from "parley/client";
import type { ShownMessage } from "parley/react";
import { type FormEvent, memo, type ReactElement, useState } from "react";
import type { Person } from "./access.ts";
import { Attachments } from "./attachments.tsx";

interface MessageItemProps {
  readonly room: Room;
  readonly message: ShownMessage;
  readonly person: Person;
  /** Whether somebody else spoke before. */
  readonly isFirst: boolean;
  /** What it answers, where that is held. */
  readonly parent: ShownMessage | null;
  /** Names. */
  readonly readBy: string;
  readonly onReply: (message: ShownMessage) => void;
  readonly onRetry: (nonce: string) => Promise<unknown>;
  readonly onDiscard: (nonce: string) => void;
}

const emoji = ["👍", "❤️", "🎉"];

export const MessageItem = memo(function MessageItem(props: MessageItemProps): ReactElement {
  const { room, message, person, isFirst, parent, readBy } = props;
  const [isEditing, setEditing] = useState(false);
  const isOwn = message.id === null || message.sender?.id === person.user;
  const isDeleted = message.id !== null && message.deletedAt !== null;
  return (
    <li className={`message ${isOwn ? "own" : "other"} ${message.delivery}`}>
      {isFirst && !isOwn && (
        <p className="sender">
          <bdi>{message.sender?.name ?? message.sender?.id ?? "The server"}</bdi>
        </p>
      )}
      <div className="bubble">
        {message.replyTo !== null && (
          <p className="quote" dir="auto">
            {parent === null ? "An earlier message" : (parent.text ?? "A message that was deleted")}
          </p>
        )}
        {isDeleted && <p className="text deleted">This message was deleted.</p>}
        {!isDeleted && isEditing && <Editor room={room} message={message} onEnd={() => setEditing(false)} />}
        {!isDeleted && !isEditing && message.text && (
          <p className="text" dir="auto">
            {message.text}
          </p>
        )}
        {message.id !== null && <Attachments files={message.attachments} />}
        {message.id === null && message.content.attachments && <p className="fine">with files</p>}
      </div>
      <Facts {...props} readBy={readBy} isOwn={isOwn} isDeleted={isDeleted} onEdit={() => setEditing(true)} />
    </li>
  );
});

interface FactsProps extends MessageItemProps {
  readonly isOwn: boolean;
  readonly isDeleted: boolean;
  readonly onEdit: () => void;
}

function Facts({ room, message, person, readBy, isOwn, isDeleted, onEdit, ...on }: FactsProps): ReactElement {
  const [error, setError] = useState("");
  const say = (deed: Promise<unknown>): void => {
    setError("");
    deed.catch((reason: unknown) => setError(reason instanceof Error ? reason.message : String(reason)));
  };
  if (message.id === null)
    return message.delivery === "sending" ? (
      <p className="facts">sending…</p>
    ) : (
      <p className="facts error" role="alert">
        {message.error?.message ?? "It was not sent."}
        <button type="button" onClick={() => void on.onRetry(message.nonce)}>
          Retry
        </button>
        <button type="button" onClick={() => on.onDiscard(message.nonce)}>
          Discard
        </button>
      </p>
    );
  const { id, createdAt, editedAt, reactions } = message;
  return (
    <>
      <div className="facts">
        <time dateTime={new Date(createdAt).toISOString()}>{timeOf(createdAt)}</time>
        {editedAt !== null && !isDeleted && <span className="edited">edited</span>}
        {readBy !== "" && <span className="read">read by {readBy}</span>}
        {!isDeleted && (
          <div className="actions">
            {emoji.map((each) => (
              <Reaction key={each} room={room} id={id} emoji={each} reactions={reactions} own={person.user} say={say} />
            ))}
            <button type="button" className="quiet reply" onClick={() => on.onReply(message)}>
              Reply
            </button>
            {isOwn && (
              <>
                <button type="button" className="quiet edit" onClick={onEdit}>
                  Edit
                </button>
                <button type="button" className="quiet delete" onClick={() => say(room.delete(id))}>
                  Delete
                </button>
              </>
            )}
          </div>
        )}
      </div>
      {error !== "" && (
        <p className="facts error" role="alert">
          {error}
        </p>
      )}
    </>
  );
}

interface ReactionProps {
  readonly room: Room;
  readonly id: number;
  readonly emoji: string;
  readonly reactions: Readonly<Record<string, { readonly count: number; readonly users: readonly string[] }>>;
  readonly own: string;
  readonly say: (deed: Promise<unknown>) => void;
}

function Reaction({ room, id, emoji: each, reactions, own, say }: ReactionProps): ReactElement {
  const { count = 0, users = [] } = reactions[each] ?? {};
  const isOwn = users.includes(own);
  const toggle = (): void => say(isOwn ? room.unreact(id, each) : room.react(id, each));
  return (
    <button
      type="button"
      className={`chip ${count > 0 ? "used" : ""}`}
      aria-pressed={isOwn}
      aria-label={`React with ${each}`}
      onClick={toggle}
    >
      {each}
      {count > 0 && ` ${count}`}
    </button>
  );
}

interface EditorProps {
  readonly room: Room;
  readonly message: ShownMessage;
  readonly onEnd: () => void;
}

function Editor({ room, message, onEnd }: EditorProps): ReactElement {
  const [text, setText] = useState(message.text ?? "");
  const [error, setError] = useState("");
  const save = (event?: FormEvent): void => {
    event?.preventDefault();
    if (message.id === null || text.trim() === "") return;
    // With the version that was seen: whoever was faster is not written over.
    room
      .edit(message.id, { text, ifVersion: message.version })
      .then(onEnd, (reason: unknown) => setError(reason instanceof Error ? reason.message : String(reason)));
  };
  return (
    <form className="editor" onSubmit={save}>
      <textarea
        aria-label="The message's text"
        rows={2}
        value={text}
        autoFocus
        onFocus={({ currentTarget: field }) => field.setSelectionRange(field.value.length, field.value.length)}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") onEnd();
          if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
            event.preventDefault();
            save();
          }
        }}
      />
      <div className="row">
        <button className="primary" type="submit">
          Save
        </button>
        <button type="button" onClick={onEnd}>
          Cancel
        </button>
      </div>
      {error !== "" && (
        <p className="error" role="alert">
          {error}
        </p>
      )}
    </form>
  );
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

function timeOf(atMs: number): string {
  return clock.format(atMs);
}
