/** `Idempotency-Key`: for what publishes it is the message's nonce. */
import { sha256 } from "@noble/hashes/sha2.js";
import { Nonce } from "../protocol/message.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";

type Named = { readonly ok: true; readonly nonce: string | null } | Refusal;

/** Bare, or quoted as a structured field; the body may say `nonce` instead. */
export function nonceOf(header: string | undefined, inBody: string | undefined): Named {
  if (header === undefined) return { ok: true, nonce: inBody ?? null };
  const parsed = Nonce.safeParse(header.replace(/^"(.*)"$/, "$1"));
  if (!parsed.success)
    return refuse("invalid_field", `\`Idempotency-Key\`: ${parsed.error.issues[0]?.message ?? "not allowed"}.`);
  if (inBody !== undefined && inBody !== parsed.data)
    return refuse("invalid_field", "`nonce` and `Idempotency-Key` differ.");
  return { ok: true, nonce: parsed.data };
}

/** Of a message in a batch that has none of its own: by the batch's, and by where in it the message stands. */
export function nonceAt(key: string, index: number): string {
  const digest = sha256(new TextEncoder().encode(`${key}\n${index}`));
  return btoa(String.fromCharCode(...digest.slice(0, 24)))
    .replaceAll("+", "-")
    .replaceAll("/", "_");
}
