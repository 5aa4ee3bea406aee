/** How a tenant's server knows that a webhook comes from Parley: Standard Webhooks, with secrets that are derived and stored nowhere. */
import { Webhook } from "standardwebhooks";
import type { MasterKeys } from "./masterKeys.ts";

const prefix = "whsec_";

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
  return bytes && `${prefix}${btoa(String.fromCharCode(...bytes))}`;
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
  const at = new Date(nowMs);
  const signatures = keys.flatMap((key) =>
    key === null ? [] : [new Webhook(key, { format: "raw" }).sign(id, at, body)],
  );
  if (signatures.length === 0) return null;
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(nowMs / 1_000)),
    "webhook-signature": signatures.join(" "),
  };
}

function keyBytes(masterKeys: MasterKeys, { tenant, endpoint, version, masterKey }: WebhookSecretName) {
  return masterKeys.derive(masterKey, `parley/webhook/1\n${tenant}\n${endpoint}\n${version}`);
}
