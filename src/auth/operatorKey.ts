/** The operator's key, as configured for the deployment. */

const encoder = new TextEncoder();

/** Constant time in what is configured. `configured` holds two keys, separated by `,`, while they rotate; without any nobody is the operator. */
export async function isOperatorKey(configured: string | undefined, presented: string): Promise<boolean> {
  const keys = (configured ?? "")
    .split(",")
    .map((key) => key.trim())
    .filter((key) => key !== "");
  // Both sides go through an HMAC under a key of this call, so neither lengths nor shared beginnings show in the time it takes.
  const blind = await crypto.subtle.importKey(
    "raw",
    crypto.getRandomValues(new Uint8Array(32)),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign", "verify"],
  );
  const blinded = await crypto.subtle.sign("HMAC", blind, encoder.encode(presented));
  // All are compared, so the time does not tell which one it was.
  const same = await Promise.all(keys.map((key) => crypto.subtle.verify("HMAC", blind, blinded, encoder.encode(key))));
  return same.includes(true);
}
