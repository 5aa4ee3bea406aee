/** The chain of the audit log: how an entry is hashed, and how a broken link is found. The verifying command runs this very code. */
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { type AuditEntry, type AuditHead, Personal } from "../protocol/audit.ts";

/** What the first entry follows. */
export const chainStart: AuditHead = { seq: 0, hash: "0".repeat(64) };

/** Covers everything but the hash itself and the texts that can be erased. */
export function hashOf(entry: Readonly<Record<string, unknown>>): string {
  const { hash: _, ...chained } = entry;
  return bytesToHex(sha256(utf8ToBytes(canonicalJson(mapPersonal(chained, ({ personal }) => ({ personal }))))));
}

/** 16 bytes of salt keep who has the digest from trying names until one fits. */
export function digestOf(text: string, salt: string): string {
  return bytesToHex(sha256(concatBytes(hexToBytes(salt), utf8ToBytes(text))));
}

/** Why this cannot be the entry that follows `previous`, or null. */
export function breachOf(entry: AuditEntry, previous: AuditHead): string | null {
  if (entry.seq !== previous.seq + 1) return `it is missing: entry ${entry.seq} follows entry ${previous.seq}`;
  if (hashOf(entry) !== entry.hash) return "its hash does not match what it says";
  if (entry.previous !== previous.hash) return "it does not name the hash of the entry before it";
  let forged = false;
  mapPersonal(entry, ({ personal, salt, text }) => {
    if (text !== null || salt !== null) forged ||= digestOf(text ?? "", salt ?? "") !== personal;
  });
  return forged ? "a personal text does not match its digest" : null;
}

/** The value with each personal text in it replaced. */
export function mapPersonal(value: unknown, replace: (personal: Personal) => unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => mapPersonal(item, replace));
  // Looked for first: to parse each value of a long log took most of the time of walking it.
  const personal = "personal" in value ? Personal.safeParse(value) : null;
  if (personal?.success === true) return replace(personal.data);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapPersonal(item, replace)]));
}

/** RFC 8785: fields in the order of their UTF-16 units, no space, numbers and texts as JSON.stringify writes them. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const fields = Object.entries(value).filter(([, item]) => item !== undefined);
  const byName = fields.sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${byName.map(([name, item]) => `${JSON.stringify(name)}:${canonicalJson(item)}`).join(",")}}`;
}
