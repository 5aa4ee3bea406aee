/** Files on a real server: bodies that are cut off by sockets of our own, what is left of them on the disk, and its memory meanwhile. */
import { createHash } from "node:crypto";
import { globSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, call, type LiveTenant, makeTenant } from "../chaos/tenant.ts";
import { type Server, startServer } from "../support/process.ts";

const size = 600_000;
const large = 50_000_000;
/** It is 5, and would be 50 if the file were held. */
const growthMegabytesMax = 30;

let server: Server;
let tenant: LiveTenant;
beforeAll(async () => {
  server = await startServer();
  tenant = await makeTenant(server, "acme", { uploadBytes: 100_000_000, uploadBytesPerDay: 20_000_000_000 } as object);
});
afterAll(() => server.remove());

async function announced(bytes: number): Promise<string> {
  const body = { name: "file.bin", type: "application/octet-stream", size: bytes };
  const made = await ask<{ upload: string }>(`${server.url}/v1/rooms/general/uploads`, {
    method: "POST",
    credential: tenant.key,
    body,
  });
  return made.upload;
}

/** The head of a request that puts, and what is answered: its status, or null where nothing was. */
function putting(id: string, framing: string): { socket: Socket; status: Promise<number | null> } {
  const socket = connect(server.port, "127.0.0.1");
  let said = "";
  socket.on("data", (bytes) => (said += String(bytes)));
  socket.on("error", () => undefined);
  const head = [`PUT /v1/uploads/${id}/content HTTP/1.1`, "Host: x", `Authorization: Bearer ${tenant.key}`, framing];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  const { promise: status, resolve } = Promise.withResolvers<number | null>();
  const tell = (): void => resolve(Number(/^HTTP\/1.1 (\d+)/.exec(said)?.[1] ?? NaN) || null);
  socket.on("data", tell);
  socket.on("close", tell);
  return { socket, status };
}

const chunk = (bytes: number): Uint8Array => {
  const framed = Buffer.concat([Buffer.from(`${bytes.toString(16)}\r\n`), Buffer.alloc(bytes, 7), Buffer.from("\r\n")]);
  return new Uint8Array(framed);
};
const blobs = (): string[] => globSync(join(server.dataDir, "r2/*/blobs/*"));
const open = async (id: string): Promise<number> =>
  (await call(`${server.url}/v1/uploads/${id}`, { credential: tenant.key })).status;
const left = async (): Promise<unknown> => {
  const { levels } = await ask<{ levels: { scope: string; remaining: number }[] }>(`${server.url}/v1/limits`, {
    credential: tenant.key,
  });
  return levels.filter(({ scope }) => scope.startsWith("upload")).map(({ scope, remaining }) => ({ scope, remaining }));
};
const read = async (id: string): Promise<string | number> => {
  const answer = await call(`${server.url}/v1/uploads/${id}/content`, { credential: tenant.key });
  return answer.ok ? digestOf(new Uint8Array(await answer.arrayBuffer())) : answer.status;
};
const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const putWhole = (id: string, bytes: Uint8Array<ArrayBuffer>): Promise<Response> =>
  fetch(`${server.url}/v1/uploads/${id}/content`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${tenant.key}` },
    body: bytes,
  });

test("[F2] a body that is cut off on the wire, however, is no file; the quota is as it was, and the next try is whole", async () => {
  const counted = `Content-Length: ${size}`;
  const chunked = "Transfer-Encoding: chunked";
  const half = size / 2;
  const ways = [
    ["counted", counted, new Uint8Array(half), "fin"],
    ["counted", counted, new Uint8Array(half), "destroy"],
    ["chunked", chunked, chunk(half), "reset"],
    ["all but its end", chunked, chunk(size), "fin"],
    ["all but its end", chunked, chunk(size), "destroy"],
  ] as const;
  const ids: string[] = [];
  for (const [name, framing, body, end] of ways) {
    const id = await announced(size);
    ids.push(id);
    const before = await left();
    const { socket, status } = putting(id, framing);
    await new Promise((resolve) => socket.write(body, resolve));
    // It has come as far as the bucket.
    await sleep(50);
    if (end === "destroy") socket.destroy();
    else if (end === "reset") socket.resetAndDestroy();
    else socket.end();
    expect([name, end, await status]).toEqual([name, end, end === "fin" ? 400 : null]);
    socket.destroy();
    expect([name, end, await read(id), await left()]).toEqual([name, end, 404, before]);
  }
  // Also a while later: nothing of it becomes a file by itself.
  await sleep(300);
  for (const id of ids) expect([await open(id), await read(id)]).toEqual([200, 404]);
  const [first = ""] = ids;
  const content = new Uint8Array(size).fill(3);
  expect((await putWhole(first, content)).status).toBe(200);
  expect(await read(first)).toBe(digestOf(content));

  // What they have left on the disk is cleared away by the next start, and nothing else is.
  expect(blobs().length).toBeGreaterThan(1);
  await server.restart();
  expect(blobs()).toHaveLength(1);
  expect(await read(first)).toBe(digestOf(content));
});

test("[F2] a byte more than was announced ends the body with 413 while it still flows, with its length said or not", async () => {
  const id = await announced(size);
  const said = putting(id, `Content-Length: ${size + 1}`);
  expect(await said.status).toBe(413);
  said.socket.destroy();
  const { socket, status } = putting(id, "Transfer-Encoding: chunked");
  socket.write(chunk(size));
  socket.write(chunk(1));
  expect(await status).toBe(413);
  socket.destroy();
  expect(await read(id)).toBe(404);
});

test("[F12] a large file flows through: the server never holds it", async () => {
  const content = new Uint8Array(large);
  // What the first one takes is memory that the runtime keeps for the next.
  expect((await putWhole(await announced(large), content)).status).toBe(200);
  const before = server.runtimeMegabytes;
  const { socket, status } = putting(await announced(large), `Content-Length: ${large}`);
  await new Promise((resolve) => socket.write(content.subarray(1), resolve));
  expect(server.runtimeMegabytes - before).toBeLessThan(growthMegabytesMax);
  socket.write(content.subarray(0, 1));
  expect(await status).toBe(200);
  socket.destroy();
});
