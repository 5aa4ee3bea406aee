/** What an edge holds of its tenants, when their answers overtake each other. */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { tenantStub } from "../../src/objects/stubs.ts";
import { Tenant } from "../../src/objects/tenant/tenant.ts";
import type { Actor } from "../../src/protocol/actor.ts";
import { eventually, pass, startClock, stopClock } from "../support/clock.ts";
import { refused } from "./answers.ts";
import { call, newTenant } from "./edge.ts";

beforeEach(() => stopClock());
afterEach(() => {
  vi.restoreAllMocks();
  startClock();
});

const operator: Actor = { kind: "operator", id: null, requestId: "the-other-edge" };

/** The first answer is made at once, and comes when it is let go. */
function holdFirstAnswer(): { readonly isHeld: () => boolean; readonly release: () => void } {
  const policy: unknown = Reflect.get(Tenant.prototype, "policy");
  if (typeof policy !== "function") throw new Error("there is no policy");
  const gate = Promise.withResolvers<void>();
  let calls = 0;
  let isHeld = false;
  vi.spyOn(Tenant.prototype, "policy").mockImplementation(async function late(this: Tenant, key: string | null) {
    const answer = policy.call(this, key);
    if (++calls > 1) return answer;
    isHeld = true;
    await gate.promise;
    return answer;
  } as never);
  return { isHeld: () => isHeld, release: () => gate.resolve() };
}

test("[T17] [A10] an older answer of the tenant's that comes late replaces no newer one", async () => {
  const tenant = await newTenant();
  const made = await call("/v1/keys", {
    method: "POST",
    credential: tenant.key,
    body: { capabilities: ["admin"] },
  });
  const {
    key: { id, secret },
  } = await made.json<{ key: { id: string; secret: string } }>();
  expect((await call("/v1/tenant", { credential: secret })).status).toBe(200);
  // What is held is not fresh any more: both keys' next requests ask.
  pass(6_000);
  const { isHeld, release } = holdFirstAnswer();
  const slow = call("/v1/tenant", { credential: tenant.key });
  await eventually(isHeld, () => "nobody asked", 6_000);
  // Decided elsewhere, so that this edge must hear of it.
  expect(await tenantStub(env, tenant.id).removeKey(id, operator)).toMatchObject({ ok: true });
  await refused(await call("/v1/tenant", { credential: secret }), 401, "token_revoked");
  release();
  expect((await slow).status).toBe(200);
  await refused(await call("/v1/tenant", { credential: secret }), 401, "token_revoked");
  // And what is asked afterwards is taken, as always.
  pass(6_000);
  expect(await tenantStub(env, tenant.id).setSuspended(true, operator)).toMatchObject({ ok: true });
  await refused(await call("/v1/rooms/general", { credential: tenant.key }), 403, "tenant_suspended");
});
