/** A frame of each kind, as it may stand in a conversation. Each is parsed by its schema when the description is made. */
import type { ClientFrame, JoinFrame, LeaveFrame } from "../../../src/protocol/clientFrames.ts";
import { defaultRoomSettings } from "../../../src/protocol/message.ts";
import type { ServerFrame } from "../../../src/protocol/serverFrames.ts";

type Examples<Frame extends { type: string }> = { readonly [Type in Frame["type"]]: Extract<Frame, { type: Type }> };

export const said: Examples<ClientFrame> = {
  publish: { type: "publish", ref: "1", nonce: "9f2c41d07be8", text: "Hello, room!", mentions: ["bo"] },
  edit: { type: "edit", ref: "2", id: 1045, text: "Hello, all!", ifVersion: 1 },
  delete: { type: "delete", ref: "3", id: 1045 },
  react: { type: "react", ref: "4", id: 1045, emoji: "👍" },
  append: { type: "append", id: 1046, at: 14, text: " Paris." },
  finish: { type: "finish", ref: "5", id: 1046, status: "sent" },
  cancel: { type: "cancel", ref: "6", id: 1046, reason: "enough" },
  snapshot: { type: "snapshot", id: 1046 },
  read: { type: "read", upTo: 1045 },
  typing: { type: "typing", active: true },
  "presence.set": { type: "presence.set", state: { cursor: [120, 48] } },
  "presence.get": { type: "presence.get", ref: "7", limit: 100 },
  history: { type: "history", ref: "8", before: 995, limit: 50 },
  token: { type: "token", ref: "9", token: "eyJhbGciOiJIUzI1NiIs…" },
  ping: { type: "ping" },
};

export const saidOfRooms: Examples<JoinFrame | LeaveFrame> = {
  join: { type: "join", ref: "1", room: "general", cursor: "k3Jf9aQ2:1041" },
  leave: { type: "leave", ref: "2", room: "general" },
};

const ada = { user: "ada", name: "Ada", state: { cursor: [120, 48] }, connections: 2 };

const message = {
  id: 1045,
  seq: 1045,
  version: 1,
  sender: { id: "ada", name: "Ada" },
  nonce: "9f2c41d07be8",
  text: "Hello, room!",
  data: null,
  replyTo: null,
  replies: 0,
  mentions: ["bo"],
  attachments: [],
  reactions: {},
  pinned: null,
  status: "sent",
  createdAt: 1_795_287_600_000,
  editedAt: null,
  deletedAt: null,
  expiresAt: null,
} as const satisfies object;

export const told: Examples<ServerFrame> = {
  welcome: {
    type: "welcome",
    protocol: 1,
    connection: "V1StGXR8_Z5jdHi6B-myT",
    room: "general",
    epoch: "k3Jf9aQ2",
    head: 1044,
    oldest: 1,
    start: 995,
    resumed: false,
    user: { id: "ada", name: "Ada", role: "member" },
    capabilities: ["read", "publish", "react"],
    expiresAt: 1_795_291_200_000,
    pingMs: 25_000,
    reconnectJitterMs: 2_000,
    limits: { publish: { perSecond: 10, burst: 20 }, frameBytes: 65_536, textLength: 16_384 },
    settings: defaultRoomSettings,
    presence: { version: 88, count: 1, members: [ada], more: false },
    receipts: { ada: 1041 },
    serverTime: 1_795_287_600_123,
  },
  changes: {
    type: "changes",
    from: 1044,
    to: 1046,
    changes: [
      { type: "message", message: { ...message, mentions: ["bo"], attachments: [] } },
      { type: "message", message: { id: 1040, seq: 1046, reactions: { "👍": { count: 2, users: ["bo", "mo"] } } } },
    ],
  },
  ack: { type: "ack", ref: "1", id: 1045, seq: 1045 },
  error: {
    type: "error",
    ref: "1",
    code: "rate_limited",
    status: 429,
    message: "At most 10 changes per second per user in this room.",
    retryable: true,
    retryAfterMs: 640,
    limit: { scope: "user_in_room", limit: 20, windowMs: 2_000, remaining: 0 },
  },
  page: { type: "page", ref: "8", messages: [], hasMore: false, cursor: "k3Jf9aQ2:1046", start: 1 },
  closing: { type: "closing", code: 4412, reason: "The server is restarting.", reconnect: "now" },
  receipt: { type: "receipt", user: "bo", upTo: 1045 },
  presence: { type: "presence", version: 89, joined: [ada], updated: [], left: ["mo"], count: 2 },
  "presence.page": { type: "presence.page", ref: "7", version: 89, count: 1, members: [ada] },
  typing: { type: "typing", user: "bo", active: true, expiresInMs: 8_000 },
  delta: { type: "delta", id: 1046, at: 14, text: " Paris." },
  snapshot: { type: "snapshot", id: 1046, text: "The capital is" },
  cancel: { type: "cancel", id: 1046, by: "bo", reason: "enough" },
  limit: { type: "limit", scope: "user_in_room", limit: 20, remaining: 4, resetMs: 1_600 },
  token: { type: "token", expiresAt: 1_795_291_200_000, expiring: true },
  pong: { type: "pong" },
};
