"use client";
/** React hooks of the client: what a room shows, kept by one subscription however many components show it. */

export type { MessagesView } from "./messageWindow.ts";
export { ParleyProvider, type ParleyProviderProps, useClient } from "./provider.ts";
export type { SendingMessage, ShownMessage, StoredMessage } from "./shown.ts";
export { type ConnectionView, useConnection } from "./useConnection.ts";
export { type MessagesOptions, useMessages } from "./useMessages.ts";
export { type PresenceView, usePresence } from "./usePresence.ts";
export { useRoom } from "./useRoom.ts";
export { useRoomState } from "./selected.ts";
export { type TypingUser, type TypingView, useTyping } from "./useTyping.ts";
