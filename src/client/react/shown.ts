/** A message as a list shows it: stored, or one's own that is on its way. */
import type { Message, NewMessage, ParleyError, RoomSnapshot } from "../client.ts";

/** `key` is React's: a message of one's own keeps it from the moment it is published. */
export type StoredMessage<Data = unknown> = Message<Data> & {
  readonly key: string;
  readonly delivery: "stored";
  readonly error?: undefined;
};

/** Told apart by `delivery`, or by its `id`. What only a stored message has is undefined. */
export type SendingMessage<Data = unknown> = Pick<
  Message<Data>,
  "text" | "data" | "replyTo" | "sender" | "createdAt"
> & {
  readonly [
    Name in Exclude<keyof Message, "id" | "nonce" | "text" | "data" | "replyTo" | "sender" | "createdAt">
  ]?: undefined;
} & {
  readonly key: string;
  readonly id: null;
  readonly nonce: string;
  readonly delivery: "sending" | "failed";
  /** Why it failed. */
  readonly error: ParleyError | null;
  /** As it was published: `attachments` as ids. */
  readonly content: NewMessage<Data>;
};

export type ShownMessage<Data = unknown> = StoredMessage<Data> | SendingMessage<Data>;

/** Of a message that is on its way, what is known of it. */
export interface Draft<Data> {
  readonly nonce: string;
  readonly content: NewMessage<Data>;
  readonly createdAt: number;
  readonly error: ParleyError | null;
}

export function stored<Data>(message: Message<Data>, user: RoomSnapshot["user"]): StoredMessage<Data> {
  const { id, nonce, sender } = message;
  // A nonce is one's own: two users may have the same. It has no `#`.
  const key = (sender?.id === user?.id && nonce) || `#${id}`;
  return { ...message, key, delivery: "stored" };
}

export function sending<Data>(draft: Draft<Data>, user: RoomSnapshot["user"]): SendingMessage<Data> {
  const { nonce, content, error } = draft;
  const { text = null, data = null, replyTo = null } = content;
  const delivery = error === null ? "sending" : "failed";
  return { ...draft, key: nonce, id: null, delivery, sender: user, text, data, replyTo };
}
