/** Who is writing just now, and that one is. */
import { useEffect, useMemo } from "react";
import type { Room, RoomSnapshot } from "../client.ts";
import { useSelected } from "./selected.ts";

export interface TypingUser {
  readonly user: string;
  /** As far as it is known from who is here and from what was said. */
  readonly name: string | null;
}

export interface TypingView {
  /** Without oneself. */
  readonly typing: readonly TypingUser[];
  /** For `onInput` or `onChange` of a field; an empty one says that nothing is being written. Without an event: something is. */
  readonly onInput: (event?: { readonly currentTarget: { readonly value: string } }) => void;
  /** Nothing is being written any more. Publishing says so by itself, and so does the component's end. */
  readonly stop: () => void;
}

export function useTyping<Data>(room: Room<Data>): TypingView {
  const typing = useSelected<Data, readonly TypingUser[]>(room, typingIn);
  const { onInput, stop } = useMemo<Omit<TypingView, "typing">>(
    () => ({
      onInput: (event) => room.typing(event?.currentTarget.value !== ""),
      stop: () => room.typing(false),
    }),
    [room],
  );
  useEffect(() => stop, [stop]);
  return { typing, onInput, stop };
}

function typingIn({ snapshot }: { readonly snapshot: RoomSnapshot }): readonly TypingUser[] {
  const { typing, present, messages, user: own } = snapshot;
  return typing
    .filter((user) => user !== own?.id)
    .map((user) => {
      const here = present.find((member) => member.user === user);
      const name = here?.name ?? messages.findLast(({ sender }) => sender?.id === user)?.sender?.name ?? null;
      return { user, name };
    });
}
