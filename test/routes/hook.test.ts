import { expect, test } from "vitest";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { answered, refused } from "./answers.ts";
import { asOperator, call, newTenant } from "./edge.ts";
import { HookSecret, TenantProfile } from "../../src/protocol/http.ts";

const good = { url: "https://hooks.example.com/parley?v=1", timeoutMs: 2_000, onFailure: "refuse" };

test("[G10] [W7] a hook is https to a public address, thinks for at most 2 seconds, and is set by tenant and operator alike", async () => {
  const { id, key } = await newTenant();
  const patch = (hook: unknown) =>
    call("/v1/tenant", { method: "PATCH", credential: key, body: { settings: { hook } } });
  const { hookMsMin, hookMsMax, endpointUrlLength } = fixedLimits;
  for (const hook of [
    good,
    { ...good, timeoutMs: hookMsMin },
    { ...good, timeoutMs: hookMsMax, onFailure: "allow" },
    { ...good, url: good.url.padEnd(endpointUrlLength, "x") },
    null,
  ])
    expect((await answered(await patch(hook), 200, TenantProfile)).settings.hook).toEqual(hook);
  const urls = [
    "http://hooks.example.com/",
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://[::1]/",
    "https://169.254.169.254/latest",
    "https://user:pass@hooks.example.com/",
    "https://localhost/",
    "ftp://hooks.example.com/",
    "hooks.example.com",
    good.url.padEnd(endpointUrlLength + 1, "x"),
  ];
  const wrong = [
    ...urls.map((url) => ({ ...good, url })),
    { ...good, timeoutMs: hookMsMin - 1 },
    { ...good, timeoutMs: hookMsMax + 1 },
    { ...good, onFailure: "ignore" },
    { url: good.url },
    { ...good, more: 1 },
  ];
  for (const hook of wrong) {
    await refused(await patch(hook), 400, "invalid_field");
    const settings = { hook };
    await refused(await asOperator(`/v1/tenants/${id}`, { method: "PATCH", body: { settings } }), 400, "invalid_field");
    await refused(
      await asOperator("/v1/tenants", { method: "POST", body: { name: "Another", settings } }),
      400,
      "invalid_field",
    );
  }
});

test("[G10] a hook's secret is the tenant's own, the same each time, and nowhere else", async () => {
  const [one, other] = await Promise.all([newTenant(), newTenant()]);
  const secretOf = async (credential: string) =>
    (await answered(await call("/v1/hook/secret", { method: "POST", credential }), 200, HookSecret)).secret;
  const secret = await secretOf(one.key);
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect([await secretOf(one.key), await secretOf(other.key)]).toEqual([secret, expect.not.stringContaining(secret)]);
  for (const path of ["/v1/tenant", "/v1/audit"])
    expect(await (await call(path, { credential: one.key })).text()).not.toContain(secret);
});
