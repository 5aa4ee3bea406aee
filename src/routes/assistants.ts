/** The tenant's own plane: its assistants, and where their models are. */
import { createRoute } from "@hono/zod-openapi";
import * as z from "zod";
import { sealKey } from "../auth/sealedKey.ts";
import { tenantStub } from "../objects/stubs.ts";
import {
  Assistant,
  AssistantBody,
  AssistantId,
  type AssistantSettings,
  type SealedKey,
} from "../protocol/assistant.ts";
import { unfitEndpoint } from "../protocol/endpoint.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { type Bindings, settingsOf } from "../env.ts";
import { router } from "./app.ts";
import { adminSecurity, body, json } from "./declared.ts";
import { actorOf } from "./identity.ts";
import { admin, client } from "./middleware/authenticate.ts";
import { problem, problems } from "./problem.ts";

const common = { tags: ["assistants"], security: adminSecurity, middleware: [client, admin] };
const ofAssistant = { params: z.strictObject({ assistant: AssistantId }) };

const list = createRoute({
  ...common,
  method: "get",
  path: "/v1/assistants",
  summary: "List assistants, without their keys",
  responses: { 200: json(z.object({ items: z.array(Assistant) }), "The assistants."), ...problems },
});
const get = createRoute({
  ...common,
  method: "get",
  path: "/v1/assistants/{assistant}",
  summary: "Read an assistant, without its key",
  request: ofAssistant,
  responses: { 200: json(Assistant, "The assistant."), ...problems },
});
const put = createRoute({
  ...common,
  method: "put",
  path: "/v1/assistants/{assistant}",
  summary: "Make an assistant, or change it; its key stays as it is unless it is named",
  request: { ...ofAssistant, body: body(AssistantBody) },
  responses: { 200: json(Assistant, "It was there."), 201: json(Assistant, "It is new."), ...problems },
});
const remove = createRoute({
  ...common,
  method: "delete",
  path: "/v1/assistants/{assistant}",
  summary: "Remove an assistant with its key; what it has said stays",
  request: ofAssistant,
  responses: { 204: { description: "Removed." }, ...problems },
});

export const assistants = router()
  .openapi(list, async (c) => c.json({ items: await tenantStub(c.env, c.get("identity").tenant).assistants() }, 200))
  .openapi(get, async (c) => {
    const found = await tenantStub(c.env, c.get("identity").tenant).assistant(c.req.valid("param").assistant);
    return found.ok ? c.json(found.assistant, 200) : problem(c, found);
  })
  .openapi(put, async (c) => {
    const { assistant: id } = c.req.valid("param");
    const { key: given, ...said } = c.req.valid("json");
    const { tenant } = c.get("identity");
    const unfit = unfitModel(c.env, said.url, given);
    if (unfit !== null) return problem(c, unfit);
    const key = await sealed(c.env, { tenant, assistant: id, url: said.url ?? "" }, given);
    const saved = await tenantStub(c.env, tenant).saveAssistant(id, { settings: whole(said), key }, actorOf(c));
    if (!saved.ok) return problem(c, saved);
    return saved.created ? c.json(saved.assistant, 201) : c.json(saved.assistant, 200);
  })
  .openapi(remove, async (c) => {
    const { tenant } = c.get("identity");
    const removed = await tenantStub(c.env, tenant).removeAssistant(c.req.valid("param").assistant, actorOf(c));
    return removed.ok ? c.body(null, 204) : problem(c, removed);
  });

function whole(said: Omit<AssistantBody, "key">): AssistantSettings {
  const { url, model, name = null, prompt = null, answers = "mention", prefix = null, maxTokens = null } = said;
  const { history = fixedLimits.assistantHistoryDefault, silenceMs = fixedLimits.assistantSilenceMsDefault } = said;
  return { name, url, model, prompt, answers, prefix, history, maxTokens, silenceMs };
}

/** The key as it may be handed on: nothing behind this sees it as it is, but for the call itself. */
async function sealed(
  env: Bindings,
  place: { readonly tenant: string; readonly assistant: string; readonly url: string },
  key: string | null | undefined,
): Promise<SealedKey | null | undefined> {
  return typeof key === "string" ? sealKey(settingsOf(env).masterKeys, place, key) : key;
}

/** Why its model cannot be there, or null. */
function unfitModel(env: Bindings, url: string | null, key: string | null | undefined): Refusal | null {
  if (url === null) return unfitBinding(env, key);
  const unfit = unfitEndpoint(url, settingsOf(env).privateEndpoints);
  return unfit === null ? null : refuse("invalid_field", `\`url\`: ${unfit}.`);
}

function unfitBinding({ AI }: Bindings, key: string | null | undefined): Refusal | null {
  if (AI === undefined) return refuse("invalid_field", "`url`: this deployment has no Workers AI.");
  return typeof key === "string" ? refuse("invalid_field", "`key`: Workers AI takes none.") : null;
}
