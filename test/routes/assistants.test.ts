/** What a tenant says of its assistants. */
import { beforeEach, expect, test } from "vitest";
import { Assistant } from "../../src/protocol/assistant.ts";
import { AuditPage } from "../../src/protocol/audit.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { env } from "cloudflare:workers";
import type { TestTenant } from "../support/api.ts";
import { dump } from "../support/dump.ts";
import { answered, refused } from "./answers.ts";
import { asOperator, call, newTenant } from "./edge.ts";

const key = "sk-live-0123456789-abcdefghijklmnop";
const url = "https://models.example.com/v1";
const minimal = { url, model: "small-1" };

let tenant: TestTenant;
beforeEach(async () => {
  tenant = await newTenant();
});

const put = (id: string, body: object): Promise<Response> =>
  call(`/v1/assistants/${id}`, { method: "PUT", credential: tenant.key, body });
const get = async (id: string): Promise<Assistant> =>
  answered(await call(`/v1/assistants/${id}`, { credential: tenant.key }), 200, Assistant);

test("[I1] what is not said of an assistant has its default, and saying it again changes and audits nothing", async () => {
  const made = await answered(await put("helper", { ...minimal, key }), 201, Assistant);
  expect(made).toMatchObject({
    id: "helper",
    ...minimal,
    name: null,
    prompt: null,
    answers: "mention",
    prefix: null,
    history: fixedLimits.assistantHistoryDefault,
    maxTokens: null,
    hasKey: true,
  });
  expect(await answered(await put("helper", minimal), 200, Assistant)).toEqual(made);
  const changed = { ...minimal, answers: "command", prefix: "/ask", prompt: "Be brief.\nBe kind." };
  expect(await answered(await put("helper", changed), 200, Assistant)).toMatchObject(changed);
  // What was left out is what it is by default.
  expect(await answered(await put("helper", minimal), 200, Assistant)).toEqual(made);
  await call("/v1/assistants/helper", { method: "DELETE", credential: tenant.key });
  const log = await answered(await call("/v1/audit?target=helper", { credential: tenant.key }), 200, AuditPage);
  expect(log.items.map(({ action }) => action)).toEqual([
    "assistant.created",
    "assistant.updated",
    "assistant.updated",
    "assistant.removed",
  ]);
  expect(log.items[1]).toMatchObject({
    before: { answers: "mention", prefix: null, prompt: null },
    after: { answers: "command", prefix: "/ask", prompt: "Be brief.\nBe kind." },
  });
});

test("[I2] the key is shown to nobody, in no answer, no export, no audit entry and no row, and stays until it is named", async () => {
  await put("helper", { ...minimal, key });
  const first = await get("helper");
  expect(first.keySetAt).not.toBeNull();
  await put("helper", { ...minimal, prompt: "Be brief." });
  expect(await get("helper")).toMatchObject({ hasKey: true, keySetAt: first.keySetAt });
  const said = await Promise.all(
    ["/v1/assistants", "/v1/assistants/helper", "/v1/audit", "/v1/tenant"].map(async (path) =>
      (await call(path, { credential: tenant.key })).text(),
    ),
  );
  const exported = await asOperator(`/v1/tenants/${tenant.id}/export`, { method: "POST" });
  said.push(new TextDecoder().decode(await exported.arrayBuffer()), await dump(env.TENANT.getByName(tenant.id)));
  for (const text of said) {
    expect(text.length).toBeGreaterThan(20);
    for (const spelling of [key, btoa(key), btoa(key).slice(4, -4)]) expect(text.includes(spelling)).toBe(false);
  }
  expect(said.at(-2)).toContain('"type":"assistant","id":"helper"');
  await put("helper", { ...minimal, key: null });
  expect(await get("helper")).toMatchObject({ hasKey: false, keySetAt: null });
});

test("[I2] a key is never sent to another address than the one that it was given for", async () => {
  await put("helper", { ...minimal, key });
  const elsewhere = { ...minimal, url: "https://elsewhere.example.com/v1" };
  await refused(await put("helper", elsewhere), 400, "invalid_field");
  expect(await get("helper")).toMatchObject({ url, hasKey: true });
  expect(await answered(await put("helper", { ...elsewhere, key: null }), 200, Assistant)).toMatchObject({
    hasKey: false,
  });
  expect(await answered(await put("helper", { ...minimal, key }), 200, Assistant)).toMatchObject({ hasKey: true });
});

test("[I2] [A16] the operator is told who has a key that is sealed under a master key's version", async () => {
  const withKeysOf = async (version: number): Promise<string[]> =>
    (
      await (await asOperator(`/v1/tenants?keyVersion=${version}&limit=200`)).json<{ items: { id: string }[] }>()
    ).items.map(({ id }) => id);
  await put("helper", { ...minimal, key });
  expect(await withKeysOf(1)).toContain(tenant.id);
  expect(await withKeysOf(2)).not.toContain(tenant.id);
});

test("[I1] an address that may not be called is refused, and so are a prefix without its command and models that are not there", async () => {
  for (const bad of ["http://models.example.com/v1", "https://127.0.0.1/v1", "https://models.local/v1", `${url}?x=1`])
    await refused(await put("helper", { ...minimal, url: bad }), 400, "invalid_field");
  for (const bad of [
    { prefix: "/ask" },
    { answers: "command" },
    { answers: "always", prefix: "/ask" },
    { url: null },
    { history: fixedLimits.assistantHistoryMax + 1 },
    { prompt: "x".repeat(fixedLimits.assistantPromptLength + 1) },
    { model: "x".repeat(fixedLimits.assistantModelLength + 1) },
    { answers: "command", prefix: "x".repeat(fixedLimits.assistantPrefixLength + 1) },
    { key: "k".repeat(fixedLimits.assistantKeyLength + 1) },
    { key: "two words" },
    { maxTokens: fixedLimits.assistantTokensMax + 1 },
  ])
    await refused(await put("helper", { ...minimal, ...bad }), 400, "invalid_field");
  const edge = {
    ...minimal,
    answers: "command",
    prefix: "x".repeat(fixedLimits.assistantPrefixLength),
    history: fixedLimits.assistantHistoryMax,
    prompt: "x".repeat(fixedLimits.assistantPromptLength),
    model: "x".repeat(fixedLimits.assistantModelLength),
    key: "k".repeat(fixedLimits.assistantKeyLength),
    maxTokens: fixedLimits.assistantTokensMax,
  };
  expect((await put("helper", edge)).status).toBe(201);
});

test("[I1] [W7] a tenant has so many assistants and no more", async () => {
  for (let number = 0; number < fixedLimits.assistantsPerTenant; number++)
    expect((await put(`helper-${number}`, minimal)).status).toBe(201);
  await refused(await put("one-more", minimal), 429, "quota_exceeded");
  expect((await put("helper-0", { ...minimal, prompt: "Be brief." })).status).toBe(200);
});
