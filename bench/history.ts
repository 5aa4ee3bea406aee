/** A history of plain messages, brought into a new room by its import, as whoever moves to Parley does it. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import * as z from "zod";
import { apiKeyOf } from "./tenant.ts";
import { stampedText } from "./stamp.ts";
import type { Target } from "./target.ts";

const LINES_PER_CHUNK = 1_000;
/** Users who said it in turn. */
const USERS = 30;
const WITHIN_MS = 600_000;

const Imported = z.object({ cursor: z.string() });

/** Returns the cursor at its end. */
export async function importHistory(target: Target, room: string, messages: number): Promise<string> {
  const headers = { authorization: `Bearer ${apiKeyOf(target)}` };
  const url = `${target.base}/v1/rooms/${room}`;
  await ask(url, { method: "PUT", headers });
  const sent = await ask(`${url}/import`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/x-ndjson" },
    body: Readable.toWeb(Readable.from(exported(room, messages))),
    duplex: "half",
  });
  return Imported.parse(sent).cursor;
}

/** The export of such a room, in pieces. */
function* exported(room: string, messages: number): Generator<Buffer> {
  const at = Date.now() - messages;
  const digest = createHash("sha256");
  yield lineOf({ type: "export", version: 1, kind: "room", tenant: "bench", room, at });
  for (let from = 1; from <= messages; from += LINES_PER_CHUNK) {
    const count = Math.min(LINES_PER_CHUNK, messages - from + 1);
    const chunk = Buffer.concat(Array.from({ length: count }, (_, index) => lineOf(message(from + index, at))));
    digest.update(chunk);
    yield chunk;
  }
  const settings = {};
  const last = lineOf({ type: "room", head: messages, seq: messages, oldest: 1, floor: 0, settings, createdAt: at });
  digest.update(last);
  yield last;
  yield lineOf({ type: "end", kind: "room", counts: { message: messages, room: 1 }, hash: digest.digest("hex") });
}

/** Plain, as it would have been published. */
const plain = {
  version: 1,
  data: null,
  replyTo: null,
  replies: 0,
  mentions: [],
  attachments: [],
  reactions: {},
  pinned: null,
  hidden: false,
  status: "sent",
  editedAt: null,
  deletedAt: null,
  expiresAt: null,
};

function message(id: number, at: number) {
  const sender = { id: `u_${(id % USERS) + 1}`, name: null };
  const nonce = `imported-${id}`;
  const digest = id.toString(16).padStart(16, "0");
  const text = stampedText({ number: id, sentUs: 0 });
  return { type: "message", id, seq: id, sender, nonce, digest, text, createdAt: at + id, ...plain };
}

function lineOf(row: object): Buffer {
  return Buffer.from(`${JSON.stringify(row)}\n`);
}

async function ask(url: string, init: RequestInit & { duplex?: "half" }): Promise<unknown> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(WITHIN_MS) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text.slice(0, 300)}`);
  return JSON.parse(text);
}
