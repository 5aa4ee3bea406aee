/** What can be done with a message, behind one button. What the credential does not allow, the API says when it is tried. */
import { Group, Menu } from "@mantine/core";
import {
  IconArrowBackUp,
  IconDots,
  IconPencil,
  IconPin,
  IconPinnedOff,
  IconShield,
  IconTrash,
} from "@tabler/icons-react";
import { useRef, useState } from "react";
import type { Message } from "../../src/client/client.ts";
import type { Deeds } from "./deeds.ts";

const offered = ["👍", "❤️", "😄", "🎉", "👀", "✅"];

export interface MessageMenuProps {
  readonly message: Message;
  readonly user: string;
  readonly deeds: Deeds;
}

/** Until it is opened it is a button and nothing more: there is one in every row. */
export function MessageMenu({ message, user, deeds }: MessageMenuProps) {
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    setOpen(false);
    button.current?.focus({ preventScroll: true });
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        className="message-actions"
        aria-label={`Actions for message ${message.id}`}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        onClick={() => setOpen(true)}
      >
        <IconDots size={16} />
      </button>
      {isOpen && (
        <Menu
          opened
          onClose={close}
          returnFocus={false}
          position="bottom-end"
          shadow="sm"
          width={220}
          transitionProps={{ duration: 0 }}
        >
          <Menu.Target>
            <span className="message-anchor" />
          </Menu.Target>
          <Menu.Dropdown>
            <Items message={message} user={user} deeds={deeds} />
          </Menu.Dropdown>
        </Menu>
      )}
    </>
  );
}

function Items({ message, user, deeds }: MessageMenuProps) {
  const { id, sender, pinned, deletedAt, reactions, status } = message;
  const isThere = deletedAt === null;
  return (
    <>
      {isThere && (
        <Group gap={0} justify="space-between" wrap="nowrap">
          {offered.map((emoji) => {
            const isOwn = reactions[emoji]?.users.includes(user) === true;
            return (
              <Menu.Item
                key={emoji}
                className="reaction-item"
                aria-label={isOwn ? `Take back ${emoji}` : `React with ${emoji}`}
                onClick={() => deeds.react(id, emoji, isOwn)}
              >
                {emoji}
              </Menu.Item>
            );
          })}
        </Group>
      )}
      {isThere && message.replyTo === null && (
        <Menu.Item leftSection={<IconArrowBackUp size={16} />} onClick={() => deeds.replyTo(message)}>
          Reply
        </Menu.Item>
      )}
      {isThere && status !== "streaming" && (
        <Menu.Item leftSection={<IconPencil size={16} />} onClick={() => deeds.ask({ what: "edit", message })}>
          Edit
        </Menu.Item>
      )}
      {isThere && (
        <Menu.Item
          leftSection={pinned === null ? <IconPin size={16} /> : <IconPinnedOff size={16} />}
          onClick={() => deeds.pin(id, pinned !== null)}
        >
          {pinned === null ? "Pin" : "Unpin"}
        </Menu.Item>
      )}
      {sender !== null && (
        <Menu.Item
          leftSection={<IconShield size={16} />}
          onClick={() => deeds.ask({ what: "moderate", user: sender.id })}
        >
          Moderate the sender
        </Menu.Item>
      )}
      <Menu.Item
        color="red"
        leftSection={<IconTrash size={16} />}
        onClick={() => deeds.ask({ what: "delete", message })}
      >
        {isThere ? "Delete" : "Redact"}
      </Menu.Item>
    </>
  );
}
