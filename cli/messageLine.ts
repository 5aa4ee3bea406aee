/** A message as a line of a terminal. */
import type { Message } from "../src/protocol/message.ts";
import { padded } from "./table.ts";
import { type Piece, styled, type Terminal } from "./terminal.ts";
import { localTime } from "./time.ts";

type Line = readonly Piece[];

const senderWidth = 10;

export function tellMessage(terminal: Terminal, message: Message): void {
  tellOf(terminal, message, message.createdAt, contentOf(message));
}

/** What has become of a message that was told before. */
export function tellChange(terminal: Terminal, before: Message, after: Message): void {
  tellOf(terminal, after, after.deletedAt ?? after.editedAt ?? Date.now(), changeOf(before, after));
}

function tellOf(terminal: Terminal, message: Message, atMs: number, [first = [], ...others]: readonly Line[]): void {
  const sender = padded(message.sender?.id ?? "(server)", senderWidth);
  terminal.line(styled("dim", `${localTime(atMs)}  #${message.id}  `), styled("cyan", sender), "  ", ...first);
  for (const line of others) terminal.line("    ", ...line);
}

function contentOf(message: Message): readonly Line[] {
  const { text, data, attachments, status, deletedAt, editedAt } = message;
  if (deletedAt !== null) return [mark("deleted")];
  const lines: Line[] = text === null ? [] : text.split("\n").map((line) => [line]);
  if (data !== null) lines.push([JSON.stringify(data)]);
  for (const { name, size } of attachments) lines.push([styled("dim", `[${name}, ${size} bytes]`)]);
  const state = status === "sent" ? (editedAt === null ? null : "edited") : status;
  return state === null ? lines : [...lines.slice(0, -1), [...(lines.at(-1) ?? []), " ", ...mark(state)]];
}

function changeOf(before: Message, after: Message): readonly Line[] {
  if (before.status === "streaming" && after.status !== "streaming") return contentOf(after);
  if (after.deletedAt !== null && before.deletedAt === null) return [mark("deleted")];
  if (after.version !== before.version) return contentOf(after);
  const changed = (name: keyof Message): boolean => JSON.stringify(before[name]) !== JSON.stringify(after[name]);
  if (changed("reactions")) {
    const counts = Object.entries(after.reactions).map(([emoji, { count }]) => `${emoji} ${count}`);
    return [mark(`reactions: ${counts.join(", ") || "none"}`)];
  }
  if (changed("replies")) return [mark(`replies: ${after.replies}`)];
  if (changed("pinned")) return [mark(after.pinned === null ? "not pinned any more" : "pinned")];
  return [mark("changed")];
}

function mark(text: string): Line {
  return [styled("dim", `(${text})`)];
}
