/** Limits of a real server, by its own clock: whatever comes by whichever way, never more than was allowed. */
import { WebSocket } from "ws";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, call, type LiveTenant, makeTenant, newToken } from "../chaos/tenant.ts";
import { type Server, startServer } from "../support/process.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

interface Heard {
  readonly type: string;
  readonly code?: number | string;
}

/** A socket, and every frame that it was sent. */
async function socketOf(tenant: LiveTenant, token: string): Promise<{ socket: WebSocket; heard: Heard[] }> {
  const url = `${tenant.url.replace("http", "ws")}/v1/rooms/general/socket?presence=none`;
  const socket = new WebSocket(url, ["parley.v1", `bearer.${token}`]);
  const heard: Heard[] = [];
  socket.on("message", (data: unknown) => {
    const said: Heard | Heard[] = JSON.parse(String(data));
    heard.push(...(Array.isArray(said) ? said : [said]));
  });
  await once(socket, "open", { signal: AbortSignal.timeout(10_000) });
  return { socket, heard };
}

const publishing = (ref: number): object => ({
  type: "publish",
  ref: `${ref}`,
  nonce: `nonce-number-${ref}`,
  text: "x",
});

test("[T6] of 1,000 messages at once, over HTTP and sockets, no more pass than the burst and what the rate adds", async () => {
  const limits = { publishPerUserPerSecond: 50, publishPerUserBurst: 100 };
  const tenant = await makeTenant(server, "hasty", limits);
  const token = await newToken(tenant, "ada");
  const sockets = await Promise.all(Array.from({ length: 10 }, () => socketOf(tenant, token)));
  const sinceMs = performance.now();
  // Fewer refusals each than close a socket.
  sockets.forEach(({ socket }, index) =>
    socket.send(JSON.stringify(Array.from({ length: 40 }, (_, n) => publishing(1_000 * (index + 1) + n)))),
  );
  const posted = await Promise.all(
    Array.from({ length: 600 }, () =>
      call(`${tenant.url}/v1/rooms/general/messages`, { method: "POST", credential: token, body: { text: "x" } }),
    ),
  );
  const answers = (): number => sockets.reduce((sum, { heard }) => sum + heard.filter(isAnswer).length, 0);
  await expect.poll(answers, { timeout: 30_000 }).toBe(400);
  const seconds = (performance.now() - sinceMs) / 1_000;
  const acked = sockets.reduce((sum, { heard }) => sum + heard.filter(({ type }) => type === "ack").length, 0);
  const passed = acked + posted.filter(({ status }) => status === 201).length;
  expect(passed).toBeGreaterThanOrEqual(100);
  expect(passed).toBeLessThanOrEqual(100 + 50 * seconds);
  for (const { socket } of sockets) socket.terminate();
});

test("[W6] who floods is closed with 4429 and a reason, and those beside him go on", async () => {
  const tenant = await makeTenant(server, "beset", { framesPerSocketPerSecond: 50, framesPerSocketBurst: 100 });
  const eve = await socketOf(tenant, await newToken(tenant, "eve"));
  const bo = await socketOf(tenant, await newToken(tenant, "bo"));
  const closed = once(eve.socket, "close", { signal: AbortSignal.timeout(10_000) });
  for (let frame = 0; frame < 1_000; frame++) eve.socket.send(JSON.stringify(publishing(frame)));
  const [code, reason] = await closed;
  expect([code, String(reason)]).toEqual([4429, "rate_limited"]);
  expect(eve.heard.at(-1)).toMatchObject({ type: "closing", code: 4429 });
  bo.socket.send(JSON.stringify(publishing(1)));
  await expect.poll(() => bo.heard.filter(({ type }) => type === "ack").length, { timeout: 30_000 }).toBe(1);
  bo.socket.terminate();
});

test("[T17] a limit that the operator lowers is obeyed in a live room within a second", async () => {
  const tenant = await makeTenant(server, "tamed");
  const ada = await socketOf(tenant, await newToken(tenant, "ada"));
  const body = { limits: { textLength: 3 } };
  const sinceMs = performance.now();
  await ask(`${server.url}/v1/tenants/tamed`, { method: "PATCH", credential: server.operatorKey, body });
  ada.socket.send(JSON.stringify({ ...publishing(1), text: "four" }));
  await expect
    .poll(() => ada.heard.find(({ type }) => type === "error"), { timeout: 30_000 })
    .toMatchObject({ code: "too_large" });
  expect(performance.now() - sinceMs).toBeLessThan(5_000);
  ada.socket.terminate();
});

function isAnswer({ type }: Heard): boolean {
  return type === "ack" || type === "error";
}
