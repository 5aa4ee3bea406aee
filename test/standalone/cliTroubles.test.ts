/** The command line where something is not as it should be: its files, its options, the server, or the room. */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, call, type LiveTenant, makeTenant, wholeHistory } from "../chaos/tenant.ts";
import { message, ScriptedRoom, ScriptedServer } from "../client/script.ts";
import { CommandLine } from "../support/commandLine.ts";
import { type Server, startServer } from "../support/process.ts";

let server: Server;
let tenant: LiveTenant;
let cli: CommandLine;

beforeAll(async () => {
  server = await startServer();
  tenant = await makeTenant(server, "acme");
  cli = new CommandLine(server, tenant.key);
});
afterAll(async () => {
  cli.remove();
  await server.remove();
});

const until = (condition: () => boolean): Promise<unknown> =>
  expect.poll(condition, { timeout: 30_000, interval: 20 }).toBe(true);

test("[U13] lines of two keys that are alike for 60 characters are all stored, each once", async () => {
  const alike = "x".repeat(60);
  const keys = [`${alike}-one`, `${alike}-two`, "a-key-of-its-own", "a-key-of-its-own-1"];
  const publish = async (key: string): Promise<void> => {
    const ran = await cli.run(["publish", "alike", "--lines", "--idempotency-key", key], { input: `${key}\n${key}\n` });
    expect([key, ran.code]).toEqual([key, 0]);
  };
  await Promise.all(keys.map(publish));
  await publish(`${alike}-one`);
  const texts = (await wholeHistory(tenant, "alike")).map(({ text }) => text);
  expect(texts.sort()).toEqual([...keys, ...keys].sort());
});

test("[U14] what cannot be read is told as that, and nothing is made for it; no file is replaced unless it is asked for", async () => {
  mkdirSync(join(cli.folder, "folder"));
  expect(await cli.run(["import", "room", "unread", "folder"])).toMatchObject({
    code: 1,
    err: "parley: the file cannot be read: EISDIR\n",
  });
  expect((await call(`${server.url}/v1/rooms/unread`, { credential: tenant.key })).status).toBe(404);

  await cli.run(["publish", "kept", "hello"]);
  const path = join(cli.folder, "kept.ndjson");
  writeFileSync(path, "the only copy");
  const exporting = ["export", "room", "kept", "-o", "kept.ndjson"];
  expect(await cli.run(exporting)).toMatchObject({
    code: 1,
    err: "parley: there is a file of that name: --force replaces it\n",
  });
  expect([readFileSync(path, "utf8"), existsSync(`${path}.partial`)]).toEqual(["the only copy", false]);
  expect(await cli.run([...exporting, "--force"])).toMatchObject({ code: 0 });
  expect(readFileSync(path, "utf8")).toContain('"hello"');
});

test("[U14] a name is never a path, with slashes of either kind", async () => {
  const before = readdirSync(cli.folder);
  const wrong = await Promise.all(
    ["..\\..\\hall", "../../hall", "..", "%2e%2e"].map((name) => cli.run(["export", "room", name])),
  );
  expect(wrong.map(({ code }) => code)).toEqual([2, 2, 2, 2]);
  // A user's id may hold a backslash, and is one part of an address all the same.
  const user = "..\\..\\hall";
  await cli.run(["publish", "hall", "by who is called so", "--as", user]);
  const [own, nobody] = await Promise.all([
    cli.run(["export", "user", user]),
    cli.run(["export", "user", "../../hall"]),
  ]);
  expect([own.code, nobody.code]).toEqual([0, 2]);
  expect(own.out).toContain("by who is called so");
  expect(readdirSync(cli.folder)).toEqual(before);
});

test("[U15] a gap is told to people on stderr and to programs as a line, and what the room has now comes after it", async () => {
  const scripted = await new ScriptedServer().listen();
  const limits = await ask<object>(`${server.url}/v1/limits`, { credential: tenant.key });
  scripted.onCall = (_, response) => response.end(JSON.stringify(limits));
  let room = new ScriptedRoom();
  let isRestored = false;
  const tellOf = (id: number, text: string): object => ({
    type: "changes",
    room: "gone",
    from: id - 1,
    to: id,
    changes: [{ type: "message", message: message(id, { text }) }],
  });
  scripted.onFrame = (line, frame) => {
    if (frame.type !== "join" || !isRestored) return room.answer(line, frame);
    const [welcome, changes] = room.welcome(frame.room, undefined);
    line.tell({ type: "ack", room: frame.room, ref: frame.ref });
    return line.tell({ ...welcome, epoch: "anotherr", gap: { reason: "epoch" } }, { ...changes }, tellOf(1, "after"));
  };
  const own = new CommandLine(scripted, tenant.key);
  const [json, human] = [own.start(["tail", "gone", "--json"]), own.start(["tail", "gone"])];
  await until(() => scripted.lines.filter(({ frames }) => frames.some(({ type }) => type === "join")).length === 2);
  for (const line of scripted.lines) line.tell(tellOf(1, "before"), tellOf(2, "and more"));
  await until(() => json.lines.length === 2 && human.lines.length === 2);
  room = new ScriptedRoom();
  isRestored = true;
  for (const line of scripted.lines.slice()) line.cut();
  await until(() => json.lines.length === 4 && human.lines.length === 3);
  expect(json.lines.slice(2).map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { type: "gap", reason: "epoch" },
    { type: "message", message: { id: 1, text: "after" } },
  ]);
  expect(human.err).toContain("gap (epoch): the room has another history now, which begins here\n");
  expect(human.lines.at(-1)).toMatch(/#1 {2}ada {9}after$/);
  for (const { child } of [json, human]) child.kill("SIGINT");
  expect([(await json.ended()).code, (await human.ended()).code]).toEqual([0, 0]);
  own.remove();
  await scripted.close();
});

test("[U16] what is given twice is refused, but where there may be several", async () => {
  const ran = await Promise.all([
    cli.run(["history", "general", "--last", "3", "--last", "5"]),
    cli.run(["history", "general", "--url", server.url, "--url=http://127.0.0.1:9"]),
    cli.run(["export", "room", "general", "-o", "one", "--out", "two"]),
    cli.run(["token", "ada", "--room", "a=read", "--room", "a=publish", "--json", "--json"]),
  ]);
  expect(ran.map(({ code }) => code)).toEqual([2, 2, 2, 0]);
  expect(ran[0]?.err).toBe("parley: --last is given twice\nusage: parley history <room> [options]\n");
  expect(ran[2]?.err).toContain("--out is given twice");
});

test("[U16] an answer that does not end is not held in memory, and one that breaks off is a server that is not reached", async () => {
  const scripted = await new ScriptedServer().listen();
  function* endless(): Iterable<string> {
    for (;;) yield `"${"x".repeat(65_536)}`;
  }
  scripted.onCall = (request, response) => {
    if (request.url?.includes("endless") === true) {
      Readable.from(endless())
        .on("error", () => undefined)
        .pipe(response);
    } else {
      response.writeHead(200, { "Content-Length": 100 });
      response.write('{"half":');
      setTimeout(() => response.destroy(), 20);
    }
  };
  const own = new CommandLine(scripted, tenant.key);
  const [much, half] = await Promise.all([
    own.run(["room", "get", "endless"], { env: { NODE_OPTIONS: "--max-old-space-size=96" } }),
    own.run(["room", "get", "half"]),
  ]);
  expect(much).toMatchObject({ code: 1, err: expect.stringContaining("larger than any of Parley's") });
  expect(half).toMatchObject({ code: 3, err: expect.stringContaining("is not reached") });
  own.remove();
  await scripted.close();
});

test("[U17] the room of a bench whose readers were refused is deleted, and the refusal is what is told", async () => {
  const scripted = await new ScriptedServer().listen();
  const limits = await ask<object>(`${server.url}/v1/limits`, { credential: tenant.key });
  scripted.onCall = ({ url }, response) =>
    response.end(JSON.stringify(url === "/v1/tokens" ? { token: "token", expiresAt: Date.now() } : limits));
  const room = new ScriptedRoom();
  scripted.onFrame = (line, frame) => {
    if (frame.type !== "join" || line !== scripted.lines[2]) return room.answer(line, frame);
    const told = { code: "banned", status: 403, message: "You are banned.", retryable: false };
    return line.tell({ type: "error", room: frame.room, ref: frame.ref, ...told });
  };
  const own = new CommandLine(scripted, tenant.key);
  const ran = await own.run(["bench", "--sockets", "3", "--rate", "3", "--seconds", "1"]);
  expect(ran).toMatchObject({ code: 1, err: expect.stringContaining("banned (403)") });
  expect(scripted.calls.at(-1)).toMatch(/^DELETE \/v1\/rooms\/bench-/);
  own.remove();
  await scripted.close();
});

test("[U20] a bench that is stopped by Ctrl-C deletes its room, and does not say that it has proved anything", async () => {
  const bench = cli.start(["bench", "--sockets", "3", "--rate", "2", "--seconds", "3600", "--json"]);
  await until(() => bench.err.includes("messages a second"));
  const [room] = /bench-[0-9a-f-]+/.exec(bench.err) ?? [];
  const of = `${server.url}/v1/rooms/${room}`;
  expect((await call(of, { credential: tenant.key })).status).toBe(200);
  bench.child.kill("SIGINT");
  const { code, out, err } = await bench.ended();
  expect([code, out]).toEqual([1, ""]);
  expect(err).toContain("stopped before its end");
  expect((await call(of, { credential: tenant.key })).status).toBe(410);
});
