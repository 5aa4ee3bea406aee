/** The log of a real server: what is written of requests and connections, however they end, and what never is. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import * as z from "zod";
import { ConnectionLine, RequestLine } from "../../src/protocol/logLine.ts";
import { type LiveTenant, makeTenant, newToken } from "../chaos/tenant.ts";
import { openEventStream } from "../support/eventStream.ts";
import { type Server, startServer } from "../support/process.ts";
import { unspeakable } from "../support/unspeakable.ts";

const room = `room-${unspeakable}`;
const user = `user-${unspeakable}`;
const Line = z.discriminatedUnion("event", [RequestLine, ConnectionLine]);

let server: Server;
let tenant: LiveTenant;
let token: string;

beforeAll(async () => {
  server = await startServer({ env: { LOG: "json" } });
  tenant = await makeTenant(server, "acme");
  token = await newToken(tenant, user);
});
afterAll(() => server.remove());

/** What Prometheus' own tool says of it, where there is one. */
test("[T14] [B6] `promtool check metrics` finds nothing amiss", async (context) => {
  const headers = { Authorization: `Bearer ${tenant.key}` };
  const input = await (await fetch(`${server.url}/v1/metrics`, { headers })).text();
  expect(input).toContain("parley_flush_messages_bucket");
  const { error, status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input, encoding: "utf8" });
  if (error !== undefined) context.skip("promtool is not here");
  expect([status, stdout, stderr]).toEqual([0, "", ""]);
});

/** Every line after the introduction is one of the two. */
function lines(): z.infer<typeof Line>[] {
  const from = server.log.findLastIndex((line) => line.startsWith("ready ")) + 1;
  return server.log.slice(from).map((line) => Line.parse(JSON.parse(line)));
}

const requests = (): RequestLine[] => lines().filter((line) => line.event === "request");
const connections = (): ConnectionLine[] => lines().filter((line) => line.event === "connection");

async function asked(path: string, init: RequestInit = {}, credential = tenant.key): Promise<RequestLine> {
  const headers = { Authorization: `Bearer ${credential}`, "Parley-User": user, "Content-Type": "application/json" };
  const answer = await fetch(`${server.url}${path}`, { headers, ...init });
  await answer.text();
  const id = answer.headers.get("x-request-id") ?? "";
  await expect.poll(() => requests().filter(({ request }) => request === id)).toHaveLength(1);
  const line = requests().find(({ request }) => request === id);
  if (line === undefined) throw new Error("unreachable");
  expect(line.status).toBe(answer.status);
  return line;
}

async function opened(
  path = `/v1/rooms/${room}/socket?presence=none`,
  credential = token,
): Promise<{ socket: WebSocket; request: string }> {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}${path}`, ["parley.v1", `bearer.${credential}`]);
  const answered = Promise.withResolvers<string>();
  socket.once("upgrade", ({ headers }) => answered.resolve(String(headers["x-request-id"])));
  await once(socket, "open");
  return { socket, request: await answered.promise };
}

async function lifeOf(id: string): Promise<ConnectionLine> {
  await expect.poll(() => connections().filter(({ request }) => request === id), { timeout: 30_000 }).toHaveLength(1);
  const line = connections().find(({ request }) => request === id);
  if (line === undefined) throw new Error("unreachable");
  return line;
}

test("[B1] a request is one line, whose id is that of the answer", async () => {
  const body = JSON.stringify({ text: unspeakable });
  const path = `/v1/rooms/${room}/messages`;
  const published = await asked(path, { method: "POST", body });
  expect(published).toMatchObject({ level: "info", tenant: "acme", method: "POST", status: 201 });
  expect(published.route).toBe("/v1/rooms/:room/messages");
  const read = await asked(`${path}?limit=2`);
  expect(read.room).toBe(published.room);
  expect((await asked("/v1/rooms/another/messages", { method: "POST", body })).room).not.toBe(read.room);
});

test("[B1] a refused request says with which refusal, and whose it is only where that was proved", async () => {
  expect(await asked(`/v1/rooms/${room}/messages`, {}, `${tenant.key}x`)).toMatchObject({ refusal: "token_invalid" });
  expect(lines().at(-1)?.tenant).toBeUndefined();
  expect(await asked("/v1/rooms/nobody-made-it")).toMatchObject({ status: 404, tenant: "acme", refusal: "not_found" });
  expect(await asked(`/v1/${unspeakable}`)).toMatchObject({ status: 404, refusal: "not_found" });
  expect(lines().at(-1)).not.toHaveProperty("route");
  const invalid = await asked(`/v1/rooms/${room}/messages?limit=${unspeakable}`);
  expect(invalid).toMatchObject({ status: 400, refusal: "invalid_field", route: "/v1/rooms/:room/messages" });
});

test("[B2] a socket is one line when its client leaves, vanishes, or is sent away", async () => {
  const left = await opened();
  left.socket.send(JSON.stringify({ type: "publish", ref: "1", nonce: "the-first-nonce", text: unspeakable }));
  await new Promise((resolve) => left.socket.on("message", (data) => String(data).includes('"ack"') && resolve(data)));
  left.socket.close(1000);
  const life = await lifeOf(left.request);
  expect(life).toMatchObject({ transport: "websocket", tenant: "acme", by: "client", close: 1000, framesIn: 1 });
  expect(life.framesOut).toBeGreaterThanOrEqual(2);
  expect(life.unitsOut).toBeGreaterThan(life.unitsIn);
  expect(life.countedMs).toBeLessThanOrEqual(life.ms + 1);
  const upgrade = requests().find(({ request }) => request === left.request);
  expect(upgrade).toMatchObject({ status: 101, room: life.room });

  const vanished = await opened();
  vanished.socket.on("error", () => undefined);
  vanished.socket.terminate();
  expect(await lifeOf(vanished.request)).toMatchObject({ by: "network", close: 1006 });

  const kicked = await opened();
  await asked(`/v1/rooms/${room}/kicks`, {
    method: "POST",
    body: JSON.stringify({ user, reason: unspeakable }),
    headers: { Authorization: `Bearer ${tenant.key}`, "Content-Type": "application/json" },
  });
  expect(await lifeOf(kicked.request)).toMatchObject({ by: "server", close: 4503, refusal: "forbidden" });
});

test("[B2] whoever the server sends away has a line with the reason: revoked, banned, too loud, or its room is no more", async () => {
  const said = (body: object): RequestInit => ({
    method: "POST",
    body: JSON.stringify(body),
    headers: { Authorization: `Bearer ${tenant.key}`, "Content-Type": "application/json" },
  });
  const enter = async (name: string, at = room): ReturnType<typeof opened> =>
    opened(`/v1/rooms/${at}/socket`, await newToken(tenant, `${name}-${unspeakable}`));
  const last = async ({ request }: { readonly request: string }): Promise<unknown[]> => {
    const { by, close, refusal, level } = await lifeOf(request);
    return [by, close, refusal, level];
  };

  const revoked = await enter("revoked");
  expect(await asked("/v1/revocations", said({ user: `revoked-${unspeakable}` }))).toMatchObject({ status: 201 });
  expect(await last(revoked)).toEqual(["server", 4502, "token_revoked", "info"]);

  const loud = await enter("loud");
  for (let count = 0; count < 51; count++) loud.socket.send("{");
  expect(await last(loud)).toEqual(["server", 4429, "rate_limited", "info"]);

  const banned = await enter("banned");
  const bans = `/v1/rooms/${room}/bans/banned-${unspeakable}`;
  await asked(bans, { ...said({ reason: unspeakable }), method: "PUT" });
  expect(await last(banned)).toEqual(["server", 4503, "banned", "info"]);

  const doomed = `doomed-${unspeakable}`;
  const [one, other] = [await enter("one", doomed), await enter("other", doomed)];
  await asked(`/v1/rooms/${doomed}`, { method: "DELETE" });
  expect(await last(one)).toEqual(["server", 4504, "room_deleted", "info"]);
  expect(await last(other)).toEqual(["server", 4504, "room_deleted", "info"]);
});

test("[B2] a connection of many rooms and a stream of events is one line, and what the rooms hold for them none", async () => {
  const many = await opened("/v1/socket");
  many.socket.send(JSON.stringify({ type: "join", ref: "1", room }));
  await new Promise((resolve) =>
    many.socket.on("message", (data) => String(data).includes('"welcome"') && resolve(data)),
  );
  many.socket.close(1000);
  const life = await lifeOf(many.request);
  expect(life).toMatchObject({ by: "client", close: 1000, framesIn: 1, transport: "websocket" });
  expect(life).not.toHaveProperty("room");

  const before = connections().length;
  const stream = await openEventStream(`${server.url}/v1/rooms/${room}/events`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  if (!stream.ok) throw new Error(stream.body);
  stream.stream.cut();
  await expect.poll(() => connections().length, { timeout: 20_000 }).toBe(before + 1);
  expect(connections().at(-1)).toMatchObject({ transport: "events", tenant: "acme", by: "client", close: 1001 });
});

test("[B3] no line holds what was said, a name, a credential, a path or a query", () => {
  expect(lines().length).toBeGreaterThan(10);
  const told = lines()
    .map((line) => JSON.stringify(line))
    .join("\n");
  for (const secret of [unspeakable, token, tenant.key, room, user, "?", "limit=", "presence="])
    expect(told).not.toContain(secret);
});
