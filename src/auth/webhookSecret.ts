/** How a tenant's server knows that a webhook comes from Parley: Standard Webhooks, with secrets that are derived and stored nowhere. */
import type { MasterKeys } from "./masterKeys.ts";

const prefix = "whsec_";
const encoder = new TextEncoder();

/** Which secret: of one endpoint, by the version that its rotations count up, and by the master key that was the first then. */
export interface WebhookSecretName {
  readonly tenant: string;
  readonly endpoint: string;
  readonly version: number;
  readonly masterKey: number;
}

/** The text that the tenant gives to its server, or null when the master key is listed no more. */
export async function webhookSecret(masterKeys: MasterKeys, name: WebhookSecretName): Promise<string | null> {
  const bytes = await keyBytes(masterKeys, name);
  return bytes && `${prefix}${base64(bytes)}`;
}

export interface Signing {
  /** One while they rotate, two. */
  readonly secrets: readonly WebhookSecretName[];
  readonly id: string;
  readonly body: string;
  readonly nowMs: number;
}

/** One signature for each secret that can be derived. Null where none can. */
export async function signedWebhook(
  masterKeys: MasterKeys,
  { secrets, id, body, nowMs }: Signing,
): Promise<Record<string, string> | null> {
  const keys = await Promise.all(secrets.map((name) => keyBytes(masterKeys, name)));
  const timestamp = String(Math.floor(nowMs / 1_000));
  const signed = encoder.encode(`${id}.${timestamp}.${body}`);
  const signatures = await Promise.all(keys.flatMap((key) => (key === null ? [] : [signature(key, signed)])));
  if (signatures.length === 0) return null;
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}

async function signature(key: Uint8Array, signed: Uint8Array): Promise<string> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return `v1,${base64(new Uint8Array(await crypto.subtle.sign("HMAC", imported, signed)))}`;
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function keyBytes(masterKeys: MasterKeys, { tenant, endpoint, version, masterKey }: WebhookSecretName) {
  return masterKeys.derive(masterKey, `parley/webhook/1\n${tenant}\n${endpoint}\n${version}`);
}
