/**
 * One message with all that is known of it. Everything in it was said by strangers, and is text. A hundred of them come into the page at
 * once: what each of them has is plain elements.
 */
import { Badge, Button, Code, Group, Text } from "@mantine/core";
import { memo } from "react";
import type { Message } from "../../src/client/client.ts";
import { Time } from "../parts/Time.tsx";
import { exactTime } from "../parts/moment.ts";
import { Attachments } from "./attachments.tsx";
import type { Deeds } from "./deeds.ts";
import { MessageMenu } from "./messageMenu.tsx";

export interface MessageRowProps {
  readonly message: Message;
  /** What it replies to; null where it replies to nothing, or that is not held. */
  readonly parent: Message | null;
  /** Of whoever looks. */
  readonly user: string;
  readonly deeds: Deeds;
}

export const MessageRow = memo(function MessageRow({ message, parent, user, deeds }: MessageRowProps) {
  const { id, sender, createdAt, deletedAt } = message;
  return (
    <li data-id={id} className="message" tabIndex={-1} aria-label={`Message ${id}`}>
      <div className="message-head">
        <span className="message-name">{sender === null ? "the tenant's server" : (sender.name ?? sender.id)}</span>
        {sender !== null && sender.name !== null && sender.name !== sender.id && (
          <span className="message-dim">{sender.id}</span>
        )}
        <span className="message-dim">
          <Time at={createdAt} />
        </span>
        <span className="message-dim message-id">#{id}</span>
        <Badges message={message} />
        <div className="message-menu">
          <MessageMenu message={message} user={user} deeds={deeds} />
        </div>
      </div>
      {message.replyTo !== null && <Parent id={message.replyTo} parent={parent} deeds={deeds} />}
      {deletedAt === null ? <Content message={message} deeds={deeds} /> : <Tombstone at={deletedAt} />}
      <Reactions message={message} user={user} deeds={deeds} />
    </li>
  );
});

function Badges({ message: { status, editedAt, version, pinned, expiresAt, replies } }: { readonly message: Message }) {
  return (
    <>
      {editedAt !== null && (
        <span className="message-dim" title={exactTime(editedAt)}>
          edited, version {version}
        </span>
      )}
      {pinned !== null && <Mark color="parley">pinned</Mark>}
      {status === "streaming" && <Mark color="blue">streaming</Mark>}
      {(status === "interrupted" || status === "failed" || status === "cancelled") && <Mark color="red">{status}</Mark>}
      {expiresAt !== null && (
        <span className="message-dim">
          expires <Time at={expiresAt} />
        </span>
      )}
      {replies > 0 && <span className="message-dim">{replies === 1 ? "1 reply" : `${replies} replies`}</span>}
    </>
  );
}

function Mark({ color, children }: { readonly color: string; readonly children: string }) {
  return (
    <Badge size="xs" variant="light" color={color} tt="none">
      {children}
    </Badge>
  );
}

function Parent({
  id,
  parent,
  deeds,
}: {
  readonly id: number;
  readonly parent: Message | null;
  readonly deeds: Deeds;
}) {
  const who = parent?.sender?.name ?? parent?.sender?.id;
  return (
    <button type="button" className="message-parent" onClick={() => deeds.show(id)}>
      Reply to #{id}
      {who !== undefined && ` by ${who}`}
      {parent !== null && `: ${parent.deletedAt === null ? (parent.text ?? "data") : "deleted"}`}
    </button>
  );
}

function Content({ message, deeds }: { readonly message: Message; readonly deeds: Deeds }) {
  const { id, text, data, attachments, mentions, status } = message;
  return (
    <>
      {text !== null && text !== "" && (
        <div className="message-text" dir="auto">
          {text}
        </div>
      )}
      {data !== null && (
        <Code block fz="xs" className="message-data" tabIndex={0} aria-label={`Data of message ${id}`}>
          {JSON.stringify(data, null, 2)}
        </Code>
      )}
      {attachments.length > 0 && <Attachments attachments={attachments} />}
      {mentions.length > 0 && (
        <Text size="xs" c="dimmed" className="anywhere">
          mentions {mentions.join(", ")}
        </Text>
      )}
      {status === "streaming" && (
        <Group mt={4}>
          <Button size="compact-xs" variant="default" onClick={() => deeds.stop(id)}>
            Stop
          </Button>
        </Group>
      )}
    </>
  );
}

function Tombstone({ at }: { readonly at: number }) {
  return (
    <Text size="sm" c="dimmed" fs="italic">
      deleted <Time at={at} />
    </Text>
  );
}

function Reactions({ message: { id, reactions }, user, deeds }: Pick<MessageRowProps, "message" | "user" | "deeds">) {
  const all = Object.entries(reactions);
  if (all.length === 0) return null;
  return (
    <Group gap={4} mt={4}>
      {all.map(([emoji, { count, users }]) => {
        const isOwn = users.includes(user);
        return (
          <Button
            key={emoji}
            size="compact-xs"
            variant={isOwn ? "light" : "default"}
            aria-pressed={isOwn}
            title={users.join(", ")}
            onClick={() => deeds.react(id, emoji, isOwn)}
          >
            {emoji} {count}
          </Button>
        );
      })}
    </Group>
  );
}
