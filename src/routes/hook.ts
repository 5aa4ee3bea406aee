/** A tenant's hook: which one may be named, and the secret by which it knows who asks. */
import { createRoute } from "@hono/zod-openapi";
import { hookSecret } from "../auth/hookSignature.ts";
import { tenantStub } from "../objects/stubs.ts";
import { unfitEndpoint } from "../protocol/endpoint.ts";
import type { Hook } from "../protocol/hook.ts";
import { HookSecret } from "../protocol/http.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { type Bindings, settingsOf } from "../env.ts";
import { router } from "./app.ts";
import { adminSecurity, json } from "./declared.ts";
import { actorOf } from "./identity.ts";
import { admin, client } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";

const showSecret = createRoute({
  tags: ["tenant"],
  security: adminSecurity,
  middleware: [client, admin],
  method: "post",
  path: "/v1/hook/secret",
  summary: "Show the secret that signs what the hook is sent, as Standard Webhooks are signed",
  responses: {
    200: json(HookSecret, "The secret: it stays the same until the deployment's master key changes."),
    ...problems,
  },
});

export const hook = router().openapi(showSecret, async (c) => {
  const { tenant } = c.get("identity");
  const noted = await tenantStub(c.env, tenant).noteHookSecret(actorOf(c));
  if (!noted.ok) return problem(c, noted);
  return c.json({ secret: await hookSecret(settingsOf(c.env).masterKeys, tenant) }, 200);
});

/** Why a tenant may not have these settings, or null: where its hook leads. */
export function unfitHook(
  env: Bindings,
  settings: { readonly hook?: Hook | null | undefined } | undefined,
): Refusal | null {
  const url = settings?.hook?.url;
  const unfit = url === undefined ? null : unfitEndpoint(url, settingsOf(env).privateEndpoints);
  return unfit === null ? null : refuse("invalid_field", `\`settings.hook.url\`: ${unfit}.`);
}
