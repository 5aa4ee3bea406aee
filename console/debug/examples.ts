/** One frame of each type that a client may send, to begin with. */
import type { ClientFrame, JoinFrame, LeaveFrame } from "../../src/protocol/clientFrames.ts";

type AnyFrame = ClientFrame | JoinFrame | LeaveFrame;
type Examples = { readonly [Type in AnyFrame["type"]]: () => Extract<AnyFrame, { type: Type }> };

/** Stands for a new token of the same user, which is put in when the frame is sent. */
export const tokenMark = "…";

const examples: Examples = {
  publish: () => ({ type: "publish", ref: "1", nonce: newNonce(), text: "Hello from the debug console" }),
  edit: () => ({ type: "edit", ref: "1", id: 1, text: "Edited", ifVersion: 1 }),
  delete: () => ({ type: "delete", ref: "1", id: 1, redact: false }),
  react: () => ({ type: "react", ref: "1", id: 1, emoji: "👍", remove: false }),
  append: () => ({ type: "append", ref: "1", id: 1, at: 0, text: "once upon " }),
  finish: () => ({ type: "finish", ref: "1", id: 1, status: "sent" }),
  cancel: () => ({ type: "cancel", ref: "1", id: 1, reason: "Not wanted any more" }),
  snapshot: () => ({ type: "snapshot", ref: "1", id: 1 }),
  read: () => ({ type: "read", ref: "1", upTo: 1 }),
  typing: () => ({ type: "typing", active: true }),
  "presence.set": () => ({ type: "presence.set", ref: "1", state: { cursor: [120, 48] } }),
  "presence.get": () => ({ type: "presence.get", ref: "1", limit: 50 }),
  history: () => ({ type: "history", ref: "1", before: 100, limit: 20 }),
  token: () => ({ type: "token", ref: "1", token: tokenMark }),
  ping: () => ({ type: "ping" }),
  join: () => ({ type: "join", ref: "1", room: "general", backlog: 10 }),
  leave: () => ({ type: "leave", ref: "1", room: "general" }),
};

/** Joining and leaving are of a connection of many rooms, where each of the others names its room. */
const ofMany: ReadonlySet<string> = new Set(["join", "leave"]);

export function exampleTypes(isMany: boolean): string[] {
  return Object.keys(examples).filter((type) => isMany || !ofMany.has(type));
}

/** As it is written into the box. `room` is of the connection's first, where it is one of many rooms. */
export function exampleOf(type: string, room: string | null): string {
  const make = new Map<string, () => object>(Object.entries(examples)).get(type);
  if (make === undefined) return "";
  const isUnnamed = room === null || type === "ping" || type === "token";
  return JSON.stringify(isUnnamed ? make() : { ...make(), room }, null, 2);
}

function newNonce(): string {
  return crypto.getRandomValues(new Uint32Array(3)).join("-");
}
