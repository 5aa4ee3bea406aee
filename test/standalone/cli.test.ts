/** The command line, as it is built, against a server that is killed meanwhile. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commands } from "../../cli/commands.ts";
import type { Message } from "../../src/protocol/message.ts";
import { ask, type LiveTenant, makeTenant, newToken, wholeHistory } from "../chaos/tenant.ts";
import { CommandLine, type Ran, type Running } from "../support/commandLine.ts";
import { type Server, startServer } from "../support/process.ts";
import { startProxy } from "../support/proxy.ts";

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

const linesOf = (text: string): string[] => text.split("\n").slice(0, -1);
const valuesOf = (text: string): unknown[] => linesOf(text).map((line) => JSON.parse(line) as unknown);
const until = (condition: () => boolean): Promise<unknown> =>
  expect.poll(condition, { timeout: 90_000, interval: 20 }).toBe(true);

async function say(room: string, ...texts: string[]): Promise<void> {
  for (const text of texts)
    await ask(`${server.url}/v1/rooms/${room}/messages`, { method: "POST", credential: tenant.key, body: { text } });
}

/** Follows from the first, and is told all that is there. */
async function following(room: string, ...more: string[]): Promise<Running> {
  const tail = cli.start(["tail", room, "--json", ...more]);
  await until(() => tail.out !== "");
  return tail;
}

const texts = (tail: Running): (string | null | undefined)[] =>
  tail.lines.map((line) => (JSON.parse(line) as { message?: Message }).message?.text);

test("[U1] it is one file that needs no packages, built by its first call, and runs on the oldest Node there is here", async () => {
  const { code, out } = await cli.run(["--version"]);
  expect([code, out]).toEqual([0, "0.1.0\n"]);
  const built = readFileSync(join(import.meta.dirname, "../../dist/cli/parley.js"), "utf8");
  const imported = [...built.matchAll(/^import .* from "([^"]+)";$/gm)].map(([, name]) => name);
  expect(imported.filter((name) => !/^(node:)?[a-z_]+(\/[a-z]+)?$/.test(name ?? ""))).toEqual([]);
  const nodes = (process.env["PATH"] ?? "").split(delimiter).flatMap((folder) => {
    const { status, stdout } = spawnSync(join(folder, "node"), ["--version"], { encoding: "utf8" });
    return status === 0 ? [{ node: join(folder, "node"), major: Number(stdout.slice(1, 3)) }] : [];
  });
  const [oldest] = nodes.sort((one, other) => one.major - other.major);
  const published = await cli.run(["publish", "old", "hello"], oldest);
  expect(published).toMatchObject({ code: 0, out: "#1 in old\n" });
});

test("[U2] the exit code tells a refusal, a wrong usage and a server that is away, and stderr says what and when", async () => {
  const wrong = `${tenant.key.slice(0, -1)}${tenant.key.endsWith("A") ? "B" : "A"}`;
  const away = { PARLEY_URL: "http://127.0.0.1:9" };
  const ran = await Promise.all([
    cli.run(["room", "get", "nowhere"]),
    cli.run(["history", "general"], { key: wrong }),
    cli.run(["tail", "general"], { key: wrong }),
    cli.run(["tail", "general"], { env: away }),
    cli.run(["history", "general", "--json"], { env: away }),
    cli.run(["history", "general"], { key: "" }),
    cli.run(["history", "general", "--lost", "3"]),
    cli.run(["history", "general", "--last", "many"]),
    cli.run(["history", "a b"]),
    cli.run(["publish", "general", "two", "words"]),
    cli.run(["tenant", "delete", "acme"]),
    cli.run(["nonsense"]),
    cli.run(["history", "general", "--url", "http://me:secret@127.0.0.1"]),
  ]);
  expect(ran.map(({ code }) => code)).toEqual([1, 1, 1, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2]);
  expect(ran.map(({ out }) => out).join("")).toBe("");
  const [refused, ...others] = ran.map(({ err }) => err);
  expect(refused).toMatch(
    /^parley: There is no such thing\.\n {2}There is no such room\.\n {2}not_found \(404\), request \S+\n$/,
  );
  expect(others[2]).toBe("parley: 127.0.0.1:9 is not reached: bad port.\n");
  expect(JSON.parse(others[3] ?? "")).toEqual({ error: { detail: "127.0.0.1:9 is not reached: bad port." } });
  expect(others[5]).toBe("parley: there is no option --lost\nusage: parley history <room> [options]\n");
  expect(ran.map(({ err }) => err).join("")).not.toMatch(/\n\s+at |secret@/);

  await ask(`${server.url}/v1/rooms/slow`, {
    method: "PUT",
    credential: tenant.key,
    body: { settings: { slowModeMs: 60_000 } },
  });
  const key = await newToken(tenant, "ada");
  await cli.run(["publish", "slow", "one"], { key });
  const [told, said] = await Promise.all([
    cli.run(["publish", "slow", "two", "--json"], { key }),
    cli.run(["publish", "slow", "two"], { key }),
  ]);
  expect([told.code, said.code]).toEqual([1, 1]);
  expect(JSON.parse(told.err)).toMatchObject({ error: { code: "slow_mode", retryAfterMs: expect.any(Number) } });
  expect(said.err).toMatch(/^parley: The room is in slow mode\.\n[\s\S]* {2}come again in [\d.]+ s, at \d{4}-/);
});

test("[U3] a key comes from the environment or a file alone, and is in no output, no list of processes and no file", async () => {
  const refused = await cli.run(["history", "general", `--key=${tenant.key}`]);
  expect(refused).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^parley: a key does not belong on the command/),
  });
  const path = join(cli.folder, "acme.key");
  writeFileSync(path, `${tenant.key}\n`);
  chmodSync(path, 0o644);
  const open = await cli.run(["key", "list", "--key-file", path], { key: "" });
  expect([open.code, open.err]).toEqual([0, expect.stringContaining("chmod 600")]);
  chmodSync(path, 0o600);
  const secrets = join(server.dataDir, "secrets.json");
  const [closed, listed, tail] = await Promise.all([
    cli.run(["key", "list", "--key-file", path], { key: "" }),
    cli.run(["tenant", "list", "--key-file", secrets], { key: "" }),
    following("old"),
  ]);
  expect(closed).toMatchObject({ code: 0, err: "" });
  expect(listed.out).toBe("tenant\nacme\ndemo\n");
  const processes = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
  tail.child.kill("SIGINT");
  await tail.ended();
  expect(processes).toContain("parley.js tail old");
  const everything = [refused.err, open.out, open.err, closed.out, listed.out, tail.out, tail.err, processes].join("");
  expect(everything).not.toContain(tenant.key);
  expect(readdirSync(cli.folder)).toEqual(["acme.key"]);
});

test("[U4] what is published is stored once however often it is sent, line by line where that is asked for", async () => {
  const again = ["publish", "once", "-", "--as", "büö", "--idempotency-key", "the-same-every-time"];
  const first = await cli.run(again, { input: "two\nlines\n" });
  const lines = ["publish", "once", "--lines", "--idempotency-key", "from-a-program"];
  await cli.run(lines, { input: "a\n\nb\n" });
  const [second, third] = await Promise.all([
    cli.run(again, { input: "two\nlines\n" }),
    cli.run(lines, { input: "a\n\nb\nc\n" }),
  ]);
  expect([first.out, second.out, third.out]).toEqual([
    "#1 in once\n",
    "#1 in once\n",
    "#2 in once\n#3 in once\n#4 in once\n",
  ]);
  const history = await wholeHistory(tenant, "once");
  expect(history.map(({ text, sender }) => [text, sender?.id])).toEqual([
    ["two\nlines", "büö"],
    ["a", undefined],
    ["b", undefined],
    ["c", undefined],
  ]);
  const reused = await cli.run(again, { input: "something else" });
  expect(reused).toMatchObject({ code: 1, err: expect.stringContaining("nonce_reused (422)") });
});

test("[U5] tail tells what was said last and then every change once, through kill -9 and a restart of the server", async () => {
  await say("followed", "before");
  const [json, human] = [await following("followed"), cli.start(["tail", "followed"])];
  // It is told the last 20 of what was said before it came.
  await until(() => human.out !== "");
  const publishing = cli.start(["publish", "followed", "--lines"]);
  const said = Array.from({ length: 60 }, (_, index) => `line ${index}`);
  for (const [index, text] of said.entries()) {
    publishing.child.stdin.write(`${text}\n`);
    if (index === 30) {
      await until(() => texts(json).includes("line 10"));
      await server.kill();
      await server.start();
    }
  }
  publishing.child.stdin.end();
  expect(await publishing.ended()).toMatchObject({ code: 0 });
  const about = { method: "PATCH", credential: tenant.key, body: { text: "edited" } };
  await ask(`${server.url}/v1/rooms/followed/messages/1`, about);
  await until(() => json.lines.length >= 62 && human.lines.length >= 62);
  expect(texts(json)).toEqual(["before", ...said, "edited"]);
  expect(human.lines.map((line) => line.replace(/^\S+ \S+ {2}#\d+ {2}\(server\) {4}/, ""))).toEqual([
    "before",
    ...said,
    "edited (edited)",
  ]);
  expect(human.lines.slice(-1)).toEqual([expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}#1 {2}/)]);
  expect(human.err).toMatch(/Trying again[\s\S]*connected again/);
  json.child.kill("SIGINT");
  human.child.kill("SIGTERM");
  expect([await json.ended(), await human.ended()].map(({ code }) => code)).toEqual([0, 0]);
}, 60_000);

test("[U6] who has read enough ends it quietly, at once and without a word", async () => {
  await say("read", "one", "two", "three");
  const piped = ["tail read | head -n 1", "history read --all | head -n 1", "room list --json | head -c 0"];
  const ran = await Promise.all(piped.map((line) => cli.shell(`$PARLEY ${line}`)));
  expect(ran.map(({ code, err }) => [code, err])).toEqual(piped.map(() => [0, ""]));
  expect(linesOf(ran[0]?.out ?? "")).toEqual([expect.stringMatching(/one$/)]);
});

test("[U7] what strangers say cannot command a terminal, and is the same in JSON", async () => {
  const text = "red \u001b[31m \u009b31m bell \u0007 \u202egnihton\r\nsecond\tline \u001b]0;title\u0007";
  await say("strange", text);
  const [json, exported, human, tail] = await Promise.all([
    cli.run(["history", "strange", "--json"]),
    cli.shell(`script -qec "$PARLEY export room strange 2>/dev/null" /dev/null`, { env: { TERM: "xterm" } }),
    cli.shell(`script -qec "$PARLEY history strange" /dev/null`, { env: { TERM: "xterm", NO_COLOR: "" } }),
    cli.shell(`script -qec "$PARLEY history strange" /dev/null`, { env: { TERM: "xterm", NO_COLOR: "1" } }),
  ]);
  expect(valuesOf(json.out)).toMatchObject([{ text }]);
  expect(json.out.trimEnd()).not.toMatch(/[\p{Cc}\u202e]/u);
  expect(valuesOf(exported.out.replaceAll("\r\n", "\n"))).toContainEqual(expect.objectContaining({ text }));
  expect(exported.out.replaceAll("\r\n", "")).not.toMatch(/[\p{Cc}\u202e]/u);
  const coloured = human.out.replaceAll(/\p{Cc}\[\d+m/gu, "");
  expect(human.out).not.toBe(coloured);
  for (const shown of [coloured, tail.out]) {
    expect(shown.replaceAll("\r\n", "")).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(shown).toMatch(
      /red \\x1b\[31m \\x9b31m bell \\x07 \\u202egnihton\\r\r\n {4}second line \\x1b\]0;title\\x07\r\n$/,
    );
  }
});

test("[U8] every command has its help with an example, and does what it says for people and for programs", async () => {
  for (const { name, example, summary } of commands)
    expect([name, summary.endsWith("."), example.includes(`npx parley ${name}`)]).toEqual([name, false, true]);
  const [all, one] = await Promise.all([cli.run([]), cli.run(["room", "list", "--help"])]);
  expect(linesOf(all.out).filter((line) => /^ {2}[a-z]/.test(line))).toHaveLength(commands.length);
  expect(one.out).toMatch(
    /^parley room list \[options\]\n\nList rooms[\s\S]*--prefix <text>[\s\S]*Example\n {2}npx parley/,
  );

  const asOperator = { key: server.operatorKey };
  const made = await cli.run(["tenant", "create", "beta", "--name", "Beta"], asOperator);
  expect([made.code, made.out]).toEqual([0, expect.stringMatching(/^parley_beta_\S+\n$/)]);
  const key = made.out.trim();
  const [tenantGet, keyMade, tokenMade] = await Promise.all([
    cli.run(["tenant", "get", "beta", "--json"], asOperator),
    cli.run(["key", "create", "--can", "read,publish", "--name", "Für die Seite", "--json"], { key }),
    cli.run(["token", "ada", "--room", "general=read,publish", "--room", "team:*=read", "--ttl", "15m", "--json"], {
      key,
    }),
  ]);
  expect(valuesOf(tenantGet.out)).toMatchObject([{ id: "beta", name: "Beta", limits: {} }]);
  const [{ id, secret }] = valuesOf(keyMade.out) as [{ id: string; secret: string }];
  const [{ token, expiresAt }] = valuesOf(tokenMade.out) as [{ token: string; expiresAt: number }];
  expect(Math.round((expiresAt - Date.now()) / 60_000)).toBe(15);

  const said = await cli.run(["publish", "general", "--data", '{"at":[1,2]}'], { key: token });
  expect(said).toMatchObject({ code: 0, out: "#1 in general\n" });
  const put = { method: "PUT", credential: key, body: { role: "owner", name: "李" } };
  await ask(`${server.url}/v1/rooms/general/members/li`, put);
  const [keys, rooms, room, members, history] = await Promise.all(
    [
      ["key", "list"],
      ["room", "list"],
      ["room", "get", "general"],
      ["members", "general"],
      ["history", "general"],
    ].map((args) => cli.run(args, { key })),
  );
  expect(linesOf(keys?.out ?? "")[2]).toMatch(new RegExp(`^${id} {2}Für die Seite {2}.* {2}- +read,publish$`));
  expect(rooms?.out).toMatch(/^room {5}messages {2}members {2}online {2}last activity\ngeneral {2}/);
  expect(room?.out).toMatch(/^room {15}general\nchanges {12}2\n/);
  expect(members?.out).toBe("user  name  role\nli    李    owner\n");
  expect(history?.out).toMatch(/#1 {2}ada {9}\{"at":\[1,2\]\}\n$/);

  const revoked = await cli.run(["key", "revoke", id], { key });
  expect(revoked.out).toContain(`Key ${id} is removed`);
  await expect
    .poll(async () => (await cli.run(["history", "general"], { key: secret })).code, { timeout: 30_000 })
    .toBe(1);
  const deleted = await cli.run(["tenant", "delete", "beta", "--yes"], asOperator);
  expect(deleted).toMatchObject({ code: 0, out: "Tenant beta is suspended, and is being erased.\n" });
}, 60_000);

test("[U9] an export proves that it is whole, and imported and exported again it is the same byte for byte", async () => {
  const text = "ünïcode ".repeat(1_200);
  await cli.run(["publish", "taken", "--lines"], { input: `${text}\n`.repeat(40) });
  const foreign = join(cli.folder, "foreign");
  writeFileSync(foreign, "as it was");
  symlinkSync(foreign, join(cli.folder, "taken.ndjson.partial"));
  const [taken, nowhere] = await Promise.all([
    cli.run(["export", "room", "taken", "-o", "taken.ndjson"]),
    cli.run(["import", "room", "again", "nowhere.ndjson"]),
  ]);
  expect(taken).toMatchObject({
    code: 0,
    out: "",
    err: expect.stringMatching(/^43 lines, 4\d\d KB, whole: [0-9a-f]{64}\n$/),
  });
  expect(nowhere).toMatchObject({ code: 1, err: "parley: the file cannot be read: ENOENT\n" });
  const file = readFileSync(join(cli.folder, "taken.ndjson"), "utf8");
  // What lay there led elsewhere.
  expect([readFileSync(foreign, "utf8"), statSync(join(cli.folder, "taken.ndjson")).mode & 0o777]).toEqual([
    "as it was",
    0o600,
  ]);

  const cut = await cli.run(["import", "room", "again"], { input: file.slice(0, -5_000) });
  expect(cut).toMatchObject({
    code: 1,
    err: expect.stringMatching(/ lines, 4\d\d KB had been sent\. The room is as it was\./),
  });
  const importing = (): Promise<Ran> => cli.run(["import", "room", "again", "taken.ndjson", "--json"]);
  await expect.poll(async () => (await importing()).code, { timeout: 20_000 }).toBe(0);
  expect(await importing()).toMatchObject({ code: 1, err: expect.stringContaining('"code":"conflict"') });
  const { out } = await cli.run(["export", "room", "again"]);
  const between = (lines: string): string => linesOf(lines).slice(1).join("\n");
  expect([between(out) === between(file), linesOf(out).length]).toEqual([true, 43]);

  const proxy = await startProxy({ port: server.port });
  proxy.slow(100_000);
  const broken = cli.start(["export", "room", "taken", "-o", "broken.ndjson"], { env: { PARLEY_URL: proxy.url } });
  const partial = join(cli.folder, "broken.ndjson.partial");
  await until(() => existsSync(partial) && statSync(partial).size > 0);
  proxy.trouble("cut");
  expect(await broken.ended()).toMatchObject({ code: 1, err: expect.stringContaining("the export was cut off after") });
  expect(existsSync(join(cli.folder, "broken.ndjson"))).toBe(false);
  await proxy.close();
}, 60_000);

test("[U10] what comes in by stdin is a message that grows, ends as it ends, and is stopped by anybody who may", async () => {
  const streaming = cli.start(["stream", "grown", "--as", "bot"]);
  const textSoFar = async (): Promise<string | null | undefined> =>
    (await wholeHistory(tenant, "grown").catch(() => []))[0]?.text;
  streaming.child.stdin.write(Buffer.from([0x31, 0x20, 0xe2, 0x82]));
  await expect.poll(textSoFar, { timeout: 30_000 }).toBe("1 ");
  streaming.child.stdin.write(Buffer.from([0xac]));
  await expect.poll(textSoFar, { timeout: 30_000 }).toBe("1 €");
  streaming.child.stdin.end();
  expect(await streaming.ended()).toMatchObject({ code: 0, out: "#1 in grown, 3 characters\n" });

  const [stopped, ended] = [cli.start(["stream", "grown", "--as", "bot"]), cli.start(["stream", "cancelled"])];
  for (const { child } of [stopped, ended]) child.stdin.write("endless");
  await expect.poll(async () => (await wholeHistory(tenant, "grown")).length, { timeout: 30_000 }).toBe(2);
  await expect
    .poll(async () => (await wholeHistory(tenant, "cancelled").catch(() => [])).length, { timeout: 30_000 })
    .toBe(1);
  const [, { id } = { id: 0 }] = await wholeHistory(tenant, "grown");
  await ask(`${server.url}/v1/rooms/grown/messages/${id}/cancel`, { method: "POST", credential: tenant.key, body: {} });
  stopped.child.stdin.write("more");
  ended.child.kill("SIGINT");
  expect(await stopped.ended()).toMatchObject({ code: 1, err: expect.stringContaining("stream_cancelled") });
  expect(await ended.ended()).toMatchObject({ code: 1, err: "parley: stopped: the message ends as cancelled\n" });
  const statuses = [...(await wholeHistory(tenant, "grown")), ...(await wholeHistory(tenant, "cancelled"))];
  expect(statuses.map(({ status }) => status)).toEqual(["sent", "cancelled", "cancelled"]);
  expect(await cli.run(["stream", "grown"])).toMatchObject({
    code: 1,
    err: "parley: nothing came in: nothing was published\n",
  });
}, 60_000);

test("[U11] a bench says how late messages are, and proves that no reader missed one", async () => {
  const ran = await cli.run(["bench", "--sockets", "3", "--rate", "10", "--seconds", "1", "--json"]);
  expect([ran.code, valuesOf(ran.out)]).toMatchObject([
    0,
    [{ published: 10, delivered: 30, missing: 0, twice: 0, refused: 0 }],
  ]);
  const { out } = await cli.run(["room", "list", "--prefix", "bench-"]);
  expect(out).toBe("");
});

test("[U12] a room's history is sent to a webhook endpoint once more", async () => {
  await say("hooked", "one", "two");
  const body = { url: "https://hooks.example.com/parley", events: ["message.*"], isEnabled: false };
  const { webhook } = await ask<{ webhook: { id: string } }>(`${server.url}/v1/webhooks`, {
    method: "POST",
    credential: tenant.key,
    body,
  });
  const replayed = await cli.run(["webhook", "replay", webhook.id, "--room", "hooked", "--to", "2"]);
  expect(replayed).toMatchObject({ code: 0, out: "2 events of hooked wait to be sent.\n" });
  const [listed, deliveries] = await Promise.all([
    cli.run(["webhook", "list"]),
    cli.run(["webhook", "deliveries", webhook.id, "--state", "pending"]),
  ]);
  expect(linesOf(listed.out)[1]).toMatch(
    new RegExp(`^${webhook.id} {2}off +message\\.\\* +all +https://hooks\\.example\\.com/parley$`),
  );
  expect(linesOf(deliveries.out).slice(1)).toEqual([
    expect.stringMatching(/^\d+ +pending +0 /),
    expect.stringMatching(/^\d+ +pending +0 /),
  ]);
});

test("[U1] [S1] the line that `npm start` prints follows the room in which the other one speaks", async () => {
  const [line] = server.log.filter((printed) => printed.startsWith("follow ")).slice(-1);
  const command = line?.replace(/^follow +/, "") ?? "";
  expect(command).toMatch(/^PARLEY_URL=\S+ PARLEY_KEY=parley_demo_\S+ npx parley tail general$/);
  await cli.run(["publish", "general", "hello"], { key: server.demoKey });
  const project = join(import.meta.dirname, "../..");
  const followed = await cli.shell(`cd '${project}' && ${command} | head -n 1`, {
    env: { npm_config_offline: "true" },
  });
  expect(followed.out).toMatch(/#1 {2}\(server\) {4}hello\n$/);
}, 60_000);
