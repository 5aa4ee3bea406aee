/** What a server renders, and a browser goes on with. */
import { createElement, type ReactNode } from "react";
import type { Client } from "../../../src/client/client.ts";
import {
  ParleyProvider,
  useConnection,
  useMessages,
  usePresence,
  useRoom,
  useTyping,
} from "../../../src/client/react/react.ts";

export function Greeting({ client, room }: { readonly client: Client; readonly room: string }): ReactNode {
  return createElement(ParleyProvider, { client }, createElement(Inner, { room }));
}

function Inner({ room: name }: { readonly room: string }): ReactNode {
  const room = useRoom(name);
  const { messages, status } = useMessages(room);
  const { count } = usePresence(room);
  const { typing } = useTyping(room);
  const { state } = useConnection();
  const said = messages.map(({ text }) => text).join();
  return createElement("p", { "data-status": status }, `${state}, ${count} here, ${typing.length} typing: ${said}`);
}
