/** Where one writes. What is sent stands in the list at once; files are brought before. */
import type { NewMessage, Room } from "parley/client";
import type { ShownMessage } from "parley/react";
import { type FormEvent, type ReactElement, useEffect, useId, useRef, useState } from "react";
import type { Person } from "./access.ts";
import { useUploads } from "./uploads.ts";

interface ComposerProps {
  readonly room: Room;
  readonly person: Person;
  readonly publish: (message: NewMessage) => Promise<unknown>;
  readonly onInput: (event?: { readonly currentTarget: { readonly value: string } }) => void;
  readonly reply: ShownMessage | null;
  readonly onReplyEnd: () => void;
}

export function Composer({ room, person, publish, onInput, reply, onReplyEnd }: ComposerProps): ReactElement {
  const [text, setText] = useState("");
  const uploads = useUploads(room);
  const field = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  useEffect(() => {
    if (reply !== null) field.current?.focus();
  }, [reply]);
  const canSend = !uploads.isBusy && (text.trim() !== "" || uploads.ready.length > 0);
  const send = (event?: FormEvent): void => {
    event?.preventDefault();
    if (!canSend) return;
    const replyTo = reply?.id ?? null;
    void publish({
      ...(text.trim() === "" ? {} : { text }),
      ...(replyTo === null ? {} : { replyTo }),
      ...(uploads.ready.length === 0 ? {} : { attachments: uploads.ready }),
    });
    setText("");
    uploads.clear();
    onReplyEnd();
  };
  return (
    <form className="composer" onSubmit={send}>
      {reply !== null && (
        <p className="replying">
          <span dir="auto">Reply to: {reply.text ?? "a file"}</span>
          <button type="button" className="quiet" onClick={onReplyEnd}>
            Cancel
          </button>
        </p>
      )}
      <Files uploads={uploads} />
      <div className="field">
        <Attach person={person} onFiles={uploads.add} />
        <label className="unseen" htmlFor={id}>
          Message as {person.name}
        </label>
        <textarea
          id={id}
          ref={field}
          rows={1}
          value={text}
          placeholder={`Message as ${person.name}`}
          onChange={(event) => {
            setText(event.currentTarget.value);
            onInput(event);
          }}
          onPaste={({ clipboardData }) => uploads.add([...clipboardData.files])}
          onKeyDown={(event) => {
            if (event.key === "Escape") onReplyEnd();
            if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
            event.preventDefault();
            send();
          }}
        />
        <button className="primary" type="submit" disabled={!canSend}>
          Send
        </button>
      </div>
    </form>
  );
}

interface AttachProps {
  readonly person: Person;
  readonly onFiles: (files: readonly File[]) => void;
}

function Attach({ person, onFiles }: AttachProps): ReactElement {
  return (
    <label className="attach" title="Attach files">
      <span aria-hidden="true">+</span>
      <span className="unseen">Attach files as {person.name}</span>
      <input
        type="file"
        multiple
        onChange={({ currentTarget }) => {
          onFiles([...(currentTarget.files ?? [])]);
          // The same file may be chosen again.
          currentTarget.value = "";
        }}
      />
    </label>
  );
}

function Files({ uploads }: { readonly uploads: ReturnType<typeof useUploads> }): ReactElement | null {
  if (uploads.files.length === 0) return null;
  return (
    <ul className="uploads" aria-label="Files to send">
      {uploads.files.map(({ key, name, sent, size, error, upload }) => (
        <li key={key}>
          <bdi>{name}</bdi>
          {error === null ? (
            upload === null && <progress aria-label={`Sending ${name}`} max={size} value={sent} />
          ) : (
            <span className="error" role="alert">
              {error}
            </span>
          )}
          <button type="button" className="quiet" aria-label={`Remove ${name}`} onClick={() => uploads.remove(key)}>
            Remove
          </button>
        </li>
      ))}
    </ul>
  );
}
