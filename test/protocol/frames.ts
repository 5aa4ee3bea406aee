/** A frame of each type as it should be, and each of its fields as it should not. */
import type { ClientFrame } from "../../src/protocol/clientFrames.ts";

/** Every field of every frame of a client. */
export const wholeFrames: { readonly [Type in ClientFrame["type"]]: Required<Extract<ClientFrame, { type: Type }>> } = {
  publish: {
    type: "publish",
    ref: "r",
    nonce: "nonce-nonce",
    text: "text",
    data: { a: 1 },
    replyTo: 1,
    attachments: [],
    mentions: ["mo"],
    expiresInMs: 60_000,
    streaming: false,
  },
  edit: { type: "edit", ref: "r", id: 1, text: "text", data: { a: 1 }, ifVersion: 1 },
  delete: { type: "delete", ref: "r", id: 1, redact: false },
  react: { type: "react", ref: "r", id: 1, emoji: "👍", remove: false },
  append: { type: "append", ref: "r", id: 1, at: 0, text: "text" },
  finish: { type: "finish", ref: "r", id: 1, status: "sent", text: "text", at: 4 },
  cancel: { type: "cancel", ref: "r", id: 1, reason: "reason" },
  snapshot: { type: "snapshot", ref: "r", id: 1 },
  read: { type: "read", ref: "r", upTo: 1 },
  typing: { type: "typing", ref: "r", active: true },
  "presence.set": { type: "presence.set", ref: "r", state: { a: 1 } },
  "presence.get": { type: "presence.get", ref: "r", after: "mo", limit: 1 },
  history: { type: "history", ref: "r", before: 9, after: 1, around: 1, limit: 1 },
  token: { type: "token", ref: "r", token: "t" },
  ping: { type: "ping", ref: "r" },
};

const numbers = [-1, 1.5, 1e300, -1e300, 9_007_199_254_740_992, Number.MIN_VALUE];
const others = [null, true, "", "\u0000", [], [[]], [1], {}, { a: 1 }];

/** Fields that take any JSON value. */
const anything = new Set(["data", "state"]);

/** Whether the value is one that the field may have. */
function isAllowed(field: string, value: unknown): boolean {
  if (anything.has(field)) return true;
  if (field === "at") return false;
  if (["text", "reason", "ref", "token"].includes(field) && typeof value === "string") return true;
  if (["text", "replyTo", "expiresInMs"].includes(field) && value === null) return true;
  if (["attachments", "mentions"].includes(field) && Array.isArray(value) && value.length === 0) return true;
  return ["streaming", "redact", "remove", "active"].includes(field) && typeof value === "boolean";
}

/** `append`, `finish`, `cancel`: their text may not be null. */
const nullableText = new Set(["publish", "edit"]);

export interface BadField {
  readonly type: string;
  readonly field: string;
  readonly frame: Readonly<Record<string, unknown>>;
}

export const badFields: readonly BadField[] = Object.entries(wholeFrames).flatMap(([type, whole]) =>
  Object.keys(whole)
    .filter((field) => field !== "type")
    .flatMap((field) =>
      [...numbers, ...others]
        .filter((value) => !isAllowed(field, value) || (field === "text" && value === null && !nullableText.has(type)))
        .map((value) => ({ type, field, frame: { ...whole, [field]: value } })),
    ),
);
