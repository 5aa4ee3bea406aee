import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { runInDurableObject } from "cloudflare:test";
import type { Caller } from "../../src/objects/room/existence.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { call, newTenant } from "../support/api.ts";
import { roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";

test("[G11] [W7] only so many changes of a room wait for a hook", async () => {
  const tenant = await newTenant(roomy);
  await call("/v1/rooms/general", { method: "PUT", credential: tenant.key, body: {} });
  const registered = await env.TENANT.getByName(tenant.id).registerRoom("general", false);
  if (!registered.ok) throw new Error("not registered");
  const { inquiriesPerRoom, inquiriesPerUser } = fixedLimits;
  // One that cannot be asked, and so needs no server: what is held is let go in a later turn.
  const hook = { url: "https://127.0.0.1/", timeoutMs: 2_000, onFailure: "allow" as const };
  const policy = { ...registered.policy, version: registered.policy.version + 1, hook };
  const capabilities = ["publish" as const];
  const callerOf = (user: string): Caller => ({
    policy,
    session: {
      connection: "test",
      user,
      name: null,
      capabilities,
      ceiling: capabilities,
      key: "1kaaaaaaaaaaaa",
      token: null,
      issuedAt: 0,
      expiresAt: null,
    },
  });
  const outcomes = await runInDurableObject(roomObject(tenant, "general"), async (room) => {
    await room.heed(policy);
    const publishing = Array.from({ length: inquiriesPerRoom + 1 }, (_, index) =>
      room.publish(callerOf(`u${Math.floor(index / inquiriesPerUser)}`), {
        type: "publish",
        nonce: null,
        text: `${index}`,
      }),
    );
    return Promise.all(publishing);
  });
  const refused = outcomes.filter(({ ok }) => !ok);
  expect(refused).toEqual([{ ok: false, error: "overloaded", retryAfterMs: 2_000 }]);
  expect(outcomes.at(-1)).toEqual(refused[0]);
});
