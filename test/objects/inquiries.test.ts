import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { runInDurableObject } from "cloudflare:test";
import type { Caller } from "../../src/objects/room/existence.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import type { RoomPolicy } from "../../src/protocol/policy.ts";
import { call, newTenant, type TestTenant } from "../support/api.ts";
import { roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";

// One that cannot be asked, and so needs no server: what is held is let go in a later turn.
const hook = { url: "https://127.0.0.1/", timeoutMs: 2_000, onFailure: "allow" as const };

async function registered(): Promise<{ tenant: TestTenant; policy: RoomPolicy; callerOf: (user: string) => Caller }> {
  const tenant = await newTenant(roomy);
  await call("/v1/rooms/general", { method: "PUT", credential: tenant.key, body: {} });
  const answer = await env.TENANT.getByName(tenant.id).registerRoom("general", false);
  if (!answer.ok) throw new Error("not registered");
  const policy = { ...answer.policy, version: answer.policy.version + 1, hook };
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
  return { tenant, policy, callerOf };
}

test("[G11] [T15] who waits for a hook while the room is erased is refused", async () => {
  const { tenant, policy, callerOf } = await registered();
  await runInDurableObject(roomObject(tenant, "general"), async (room) => {
    await room.heed({ ...policy, hook: { ...hook, url: "https://hook.example.com/" } });
    const asked = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<Response>();
    const outside = vi.spyOn(globalThis, "fetch").mockImplementation(() => (asked.resolve(), answered.promise));
    const published = room.publish(callerOf("ada"), { type: "publish", nonce: null, text: "held" });
    await asked.promise;
    await room.dissolve();
    answered.resolve(Response.json({ allow: true }));
    expect(await published).toMatchObject({ ok: false, error: "room_deleted" });
    outside.mockRestore();
  });
});

test("[G11] [W7] only so many changes of a room wait for a hook", async () => {
  const { tenant, policy, callerOf } = await registered();
  const { inquiriesPerRoom, inquiriesPerUser } = fixedLimits;
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
