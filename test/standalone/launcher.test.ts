import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Reader } from "../chaos/reader.ts";
import { ask, call, type LiveTenant, makeTenant, newToken, wholeHistory } from "../chaos/tenant.ts";
import { failToStart, isJournal, type Server, startServer } from "../support/process.ts";
import { type RawSocket, shakeHands } from "../support/rawSocket.ts";

const shell = (command: string) => promisify(execFile)("sh", ["-c", command], { timeout: 20_000 });

describe("a server", () => {
  let server: Server;
  let tenant: LiveTenant;

  beforeAll(async () => {
    server = await startServer();
    tenant = await makeTenant(server, "acme");
  });
  afterAll(() => server.remove());

  test("[S1] it prints how to try it, which works word for word, and ends with `ready <url>`", async () => {
    const started = server.log.slice(0, server.log.findIndex((line) => line.startsWith("ready")) + 1);
    expect(started.at(-1)).toBe(`ready ${server.url}`);
    // Where something changed since the last build, that is said first.
    expect(started.find((line) => !line.startsWith("built "))).toMatch(/^Parley \d/);
    const example = started.find((line) => line.startsWith("try "))?.replace(/^try\s+/, "") ?? "";
    expect(example).toMatch(/^curl .*\/v1\/rooms\/general\/messages/);
    const { stdout } = await shell(`${example} --silent --fail`);
    expect(JSON.parse(stdout)).toMatchObject({ message: { id: 1, text: "hello", sender: { id: "ada" } } });
  });

  test("[S1] its secrets are in a file of its own user, and the printed key stays over a restart", async () => {
    const { mode } = statSync(join(server.dataDir, "secrets.json"));
    expect(mode & 0o777).toBe(0o600);
    const key = server.demoKey;
    await server.restart();
    expect(server.demoKey).toBe(key);
    expect(await wholeHistory({ url: server.url, key }, "general")).toMatchObject([{ id: 1, text: "hello" }]);
    expect(statSync(join(server.dataDir, "secrets.json")).mode & 0o777).toBe(0o600);
  });

  test("[S2] SIGTERM with 200 sockets open ends it within 5 seconds and leaves no process", async () => {
    const token = await newToken(tenant, "ada");
    const readers = Array.from(
      { length: 200 },
      (_, index) => new Reader({ tenant, room: `room-${index % 10}`, token }),
    );
    // One after another, a room's first makes it.
    for (const reader of readers.slice(0, 10)) await reader.open();
    await Promise.all(readers.slice(10).map((reader) => reader.open()));
    const stopped = await server.stop();
    expect(stopped.code).toBe(0);
    expect(stopped.tookMs).toBeLessThan(5_000);
    expect(server.processes).toEqual([]);
    await Promise.all(readers.map((reader) => reader.until(() => reader.closedWith !== null)));
    await server.start();
  });

  test("[H20] SIGTERM to the launcher and the runtime at once, as systemd says it, ends both without an error", async () => {
    const heard = server.log.length;
    expect((await server.stop("all")).code).toBe(0);
    expect([server.processes, server.log.slice(heard).filter((line) => !isJournal(line))]).toEqual([[], []]);
    await server.start();
  });

  test("[S2] what was answered survives kill -9, and the port is free again", async () => {
    const path = `${server.url}/v1/rooms/kept/messages`;
    const published = await call(path, { method: "POST", credential: tenant.key, body: { text: "kept" } });
    expect(published.status).toBe(201);
    await server.kill();
    const { url } = server;
    await server.start();
    expect(server.url).toBe(url);
    expect(await wholeHistory(tenant, "kept")).toMatchObject([{ id: 1, text: "kept" }]);
  });

  test("[S3] a second server on the same data ends with one clear line, and the first goes on", async () => {
    expectOneLine(await failToStart({ dataDir: server.dataDir }), /is in use by process \d+/);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });

  test("[A7] no token, no secret of a key and no master key is in the data folder or the log", async () => {
    const token = await newToken(tenant, "ada");
    const forged = `${token.slice(0, -6)}AAAAAA`;
    const room = `${server.url}/v1/rooms/general`;
    const reader = new Reader({ tenant, room: "general", token });
    await reader.open();
    for (const credential of [token, forged, `${tenant.key}x`, tenant.key]) {
      await call(`${room}/messages`, { method: "POST", credential, body: { text: "hello" } });
      await call(`${room}/messages?token=${credential}`, { credential });
      await call(`${room}/nothing`, { credential, method: "PATCH", body: { credential } });
      await shakeHands(`${room}/socket`, { subprotocols: ["parley.v1", `bearer.${credential}`] });
      await shakeHands(`${room}/socket?token=${credential}`, { headers: { Origin: "https://app.example" } });
      reader.send({ type: "token", token: credential });
      reader.send({ type: credential });
    }
    // The token of its own user is taken.
    await reader.until(() => reader.errors.length === 7);
    const secrets: Record<string, string> = JSON.parse(readFileSync(join(server.dataDir, "secrets.json"), "utf8"));
    const hidden = {
      token,
      "the token's signature": token.split(".")[2] ?? "",
      "a forged token": forged,
      "a key's secret": secretOf(tenant.key),
      "the demo key's secret": secretOf(server.demoKey),
      "the operator's key": secrets["operatorKey"] ?? "",
      "the master key": (secrets["masterKey"] ?? "").split(":")[1] ?? "",
    };
    for (const secret of Object.values(hidden)) expect(secret.length).toBeGreaterThan(20);
    // While it runs, with the write-ahead logs; and as it is left.
    expect(findIn(server.dataDir, hidden)).toEqual([]);
    await server.stop();
    expect(findIn(server.dataDir, hidden)).toEqual([]);
    const introduced = server.log.filter((line) => !/^(demo|console|key|try|follow) /.test(line)).join("\n");
    expect(Object.entries(hidden).filter(([, secret]) => introduced.includes(secret))).toEqual([]);
    expect(
      readdirSync(server.dataDir, { recursive: true }).filter((path) => String(path).endsWith("-wal")).length,
    ).toBeGreaterThan(0);
    await server.start();
  });

  test("[T13] what was stored before kill -9 and SIGTERM is counted once, though nobody comes back to its rooms", async () => {
    const counted = async (): Promise<number> => {
      const options = { credential: tenant.key };
      const { items } = await ask<{ items: { messages: number }[] }>(`${server.url}/v1/usage`, options);
      return items.reduce((total, { messages }) => total + messages, 0);
    };
    await expect.poll(counted, { timeout: 20_000, interval: 200 }).toBeGreaterThan(2);
    const histories = await Promise.all(["kept", "general"].map((room) => wholeHistory(tenant, room)));
    expect(await counted()).toBe(histories.flat().length);
  });
});

test("[S3] bad settings and a used port end with one clear line and exit code 1", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "parley-"));
  const neighbour = createServer().listen(0, "127.0.0.1");
  await once(neighbour, "listening");
  const port = String((neighbour.address() as AddressInfo).port);
  try {
    const used = failToStart({ dataDir: join(dataDir, "used"), env: { PORT: port } });
    const short = "1:shortsecretvalue";
    for (const [env, line] of [
      [{ PORT: "eighty" }, /^parley: PORT must be a whole number from 0 to 65535$/],
      [{ PORT: "65536" }, /^parley: PORT must be a whole number from 0 to 65535$/],
      [{ MASTER_KEY: short }, /^parley: MASTER_KEY /],
      [{ OPERATOR_KEY: "tooshort" }, /^parley: OPERATOR_KEY must be 16 or more/],
      [{ MAX_CONNECTIONS: "0" }, /^parley: MAX_CONNECTIONS must be a whole number from 1/],
      [{ HOST: "nowhere" }, /^parley: HOST must be an address/],
      [{ GENERATION: "0" }, /^parley: GENERATION must be a whole number from 1/],
      [{ PRIVATE_ENDPOINTS: "yes" }, /^parley: PRIVATE_ENDPOINTS must be allow/],
    ] as const) {
      const failed = await failToStart({ dataDir: join(dataDir, "bad"), env });
      expectOneLine(failed, line);
      expect(failed.stderr).not.toContain("shortsecretvalue");
    }
    writeFileSync(join(dataDir, "secrets.json"), '{"masterKey":"1:');
    expectOneLine(await failToStart({ dataDir }), /^parley: .*secrets\.json is damaged/);
    expect(readFileSync(join(dataDir, "secrets.json"), "utf8")).toBe('{"masterKey":"1:');
    expectOneLine(await used, new RegExp(`^parley: port ${port} of 127\\.0\\.0\\.1 is in use`));
  } finally {
    neighbour.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
});

test("[S4] the connection beyond MAX_CONNECTIONS is refused before the upgrade, and the server goes on", async () => {
  const server = await startServer({ env: { MAX_CONNECTIONS: "64" } });
  try {
    const tenant = await makeTenant(server, "acme");
    const token = await newToken(tenant, "ada");
    const enter = (room: string) =>
      shakeHands(`${server.url}/v1/rooms/${room}/socket`, { subprotocols: ["parley.v1", `bearer.${token}`] });
    const sockets: RawSocket[] = [];
    for (let count = 0; count < 64; count++) sockets.push(await opened(enter(`room-${count % 4}`)));
    const refused = await enter("room-0");
    expect(refused).toMatchObject({ ok: false, status: 503 });
    if (refused.ok) throw new Error("unreachable");
    expect(refused.headers["content-type"]).toContain("application/problem+json");
    expect(JSON.parse(refused.body)).toMatchObject({ status: 503, code: "overloaded", retryable: true });
    // The others notice nothing.
    sockets[0]?.sendText('{"type":"publish","ref":"1","nonce":"nonce-one","text":"still here"}');
    await Promise.all(
      sockets
        .filter((_, index) => index % 4 === 0)
        .map((socket) => untilText(socket, (text) => text.includes("still here"))),
    );
    // By a close, by the end of TCP, and by a reset: each makes room for another.
    sockets[1]?.sendClose(1000);
    sockets[2]?.endTcp();
    sockets[3]?.resetTcp();
    const [one, two, three] = await Promise.all([
      eventually(() => enter("room-1")),
      eventually(() => enter("room-2")),
      eventually(() => enter("room-3")),
    ]);
    expect(await enter("room-4")).toMatchObject({ ok: false, status: 503 });
    one.sendText('{"type":"publish","ref":"1","nonce":"nonce-one","text":"new here"}');
    await untilText(one, (text) => text.includes('"ack"'));
    for (const socket of [...sockets, two, three]) socket.resetTcp();
  } finally {
    await server.remove();
  }
});

test("[S4] [B1] a storm of connections at once is held to MAX_CONNECTIONS too, and without LOG none has a line", async () => {
  const server = await startServer({ env: { MAX_CONNECTIONS: "64", LOG: "off" } });
  try {
    const tenant = await makeTenant(server, "acme");
    const token = await newToken(tenant, "ada");
    const storm = await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        shakeHands(`${server.url}/v1/rooms/room-${index}/socket`, {
          subprotocols: ["parley.v1", `bearer.${token}`],
        }),
      ),
    );
    expect(storm.filter(({ ok }) => ok)).toHaveLength(64);
    for (const handshake of storm) if (handshake.ok) handshake.socket.resetTcp();
    expect(server.journal).toEqual([]);
  } finally {
    await server.remove();
  }
});

function expectOneLine(
  { code, stdout, stderr }: { code: number | null; stdout: string; stderr: string },
  line: RegExp,
): void {
  expect(stderr.trimEnd()).toMatch(line);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(stdout).not.toMatch(/^\s+at /m);
  expect(code).toBe(1);
}

/** The files that hold one of these, by their names. `secrets.json` is where they belong. */
function findIn(folder: string, hidden: Record<string, string>): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name !== "secrets.json",
  );
  return files.flatMap(({ parentPath, name }) => {
    const bytes = readFileSync(join(parentPath, name), "latin1");
    return Object.entries(hidden).flatMap(([what, secret]) =>
      bytes.includes(secret) ? [`${name} holds ${what}`] : [],
    );
  });
}

/** `parley_<tenant>_<key id>_<secret>`; the secret may hold underscores. */
function secretOf(key: string): string {
  return key.split("_").slice(3).join("_");
}

async function opened(handshake: ReturnType<typeof shakeHands>): Promise<RawSocket> {
  const made = await handshake;
  if (!made.ok) throw new Error(`the upgrade was refused: ${made.status} ${made.body}`);
  return made.socket;
}

async function eventually(attempt: () => ReturnType<typeof shakeHands>): Promise<RawSocket> {
  const deadlineMs = Date.now() + 15_000;
  for (;;) {
    const made = await attempt();
    if (made.ok) return made.socket;
    if (Date.now() > deadlineMs) throw new Error(`no place for another socket: ${made.status} ${made.body}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function untilText(socket: RawSocket, wanted: (text: string) => boolean): Promise<void> {
  const deadlineMs = Date.now() + 10_000;
  while (!wanted(await socket.nextText(Math.max(1, deadlineMs - Date.now()))));
}
