/** How a tenant's hook knows that it is Parley who asks: Standard Webhooks, with a secret that is derived and stored nowhere. */
import type { MasterKeys } from "./masterKeys.ts";

const prefix = "whsec_";

/** The text that the tenant gives to its hook: the prefix and 32 bytes in base64. */
export async function hookSecret(masterKeys: MasterKeys, tenant: string): Promise<string> {
  return `${prefix}${base64(await keyBytes(masterKeys, masterKeys.current, tenant))}`;
}

/** One signature for each master key, so that a hook goes on while they rotate. */
export async function signedHeaders(
  masterKeys: MasterKeys,
  { tenant, id, body, nowMs }: { readonly tenant: string; readonly id: string; readonly body: string; nowMs: number },
): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(nowMs / 1_000));
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  const signatures = await Promise.all(
    masterKeys.versions.map(async (version) => {
      const bytes = await keyBytes(masterKeys, version, tenant);
      const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
      return `v1,${base64(new Uint8Array(await crypto.subtle.sign("HMAC", key, signed)))}`;
    }),
  );
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}

async function keyBytes(masterKeys: MasterKeys, version: number, tenant: string): Promise<Uint8Array> {
  const bytes = await masterKeys.derive(version, `parley/hook/1\n${tenant}`);
  if (bytes === null) throw new Error("a listed version is always known");
  return bytes;
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
