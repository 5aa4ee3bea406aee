/** Sends what is signed with an endpoint's secrets, of which nothing but this file knows. */
import { masterKeysOf } from "../../auth/masterKeys.ts";
import { signedWebhook } from "../../auth/webhookSecret.ts";
import { post, type Posted } from "../../outbound/post.ts";
import type { Target } from "../../protocol/webhook.ts";
import type { RoomBindings } from "../stubs.ts";

export interface Sending {
  readonly tenant: string;
  readonly endpoint: string;
  readonly target: Target;
  readonly id: string;
  readonly body: string;
  readonly attempt: number;
}

/** Never throws, and has an end after 15 seconds. */
export async function send(
  env: RoomBindings,
  { tenant, endpoint, target, id, body, attempt }: Sending,
): Promise<Posted> {
  const nowMs = Date.now();
  const secrets = target.secrets
    .filter(({ untilMs }) => untilMs === null || nowMs < untilMs)
    .map(({ version, masterKey }) => ({ tenant, endpoint, version, masterKey }));
  const signed = await signedWebhook(masterKeysOf(env.MASTER_KEY), { secrets, id, body, nowMs });
  if (signed === null) return { ok: false, status: null, error: noSecret, retryAfterMs: null, excerpt: "" };
  const headers = { ...signed, "webhook-attempt": String(attempt) };
  return post({ url: target.url, isPrivateAllowed: env.PRIVATE_ENDPOINTS === "allow", body, headers });
}

const noSecret = "the master key of its secret is listed no more: rotate the secret";
