/** Short hashes for telling things apart, not for keeping secrets. */
import { sha256 } from "@noble/hashes/sha2.js";
import type { PublishFrame } from "../../protocol/clientFrames.ts";

const encoder = new TextEncoder();

/**
 * 8 bytes that tell the content under a nonce from another one. A sender could only ever collide with himself.
 * Taken from what was sent, before anything is masked or edited, so that a retry is known years later.
 */
export function contentDigest(frame: Omit<PublishFrame, "type" | "ref" | "nonce">): Uint8Array<ArrayBuffer> {
  const {
    text = null,
    data = null,
    replyTo = null,
    attachments = [],
    mentions = [],
    expiresInMs = null,
    streaming = false,
  } = frame;
  return sha256(
    encoder.encode(JSON.stringify([text, data, replyTo, attachments, mentions, expiresInMs, streaming])),
  ).slice(0, 8);
}

/** The epoch in cursors: another history or another generation of the deployment has another one. */
export function publicEpoch(storedEpoch: string, generation: string): string {
  const bytes = sha256(encoder.encode(`${storedEpoch}\n${generation}`)).slice(0, 8);
  return Array.from(bytes, (byte) => epochAlphabet[byte % epochAlphabet.length]).join("");
}

const epochAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
