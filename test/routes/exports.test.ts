/** What is exported of a room, and what becomes of it where it is imported. */
import { env } from "cloudflare:workers";
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { roomStub } from "../../src/objects/stubs.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { tenantLimits } from "../../src/protocol/limits/tenant.ts";
import { everything, type TestTenant } from "../support/api.ts";
import { pass, startClock, stopClock } from "../support/clock.ts";
import { addFile } from "../support/files.ts";
import { query, roomObject } from "../support/room.ts";
import { roomy } from "../support/roomy.ts";
import { call, connect, newTenant, newToken } from "./edge.ts";
import { exported, fullRoom, historyOf, imported, linesOf, withEnd } from "./exported.ts";
import { refused } from "./answers.ts";

const room = "general";
let tenant: TestTenant;
let token: string;

beforeEach(async () => {
  stopClock();
  tenant = await newTenant(roomy);
  token = await newToken(tenant, "ada", { "*": everything });
});
afterEach(() => {
  vi.restoreAllMocks();
  startClock();
});

const make = async (name: string, of = tenant): Promise<void> => {
  const made = await call(`/v1/rooms/${name}`, { method: "PUT", credential: of.key, body: {} });
  expect(made.status).toBe(201);
};
const say = async (text: string, name = room): Promise<void> => {
  const body = { text };
  expect((await call(`/v1/rooms/${name}/messages`, { method: "POST", credential: token, body })).status).toBe(201);
};
const read = async (name: string, of = tenant): Promise<{ messages: object[]; cursor: string }> =>
  (await call(`/v1/rooms/${name}/messages?limit=200`, { credential: of.key, user: "reader" })).json();

describe("a room's export", () => {
  test("[D10] holds every row of the room, counted, with a hash of all lines between the first and the last", async () => {
    await fullRoom(tenant, room);
    const text = await exported(tenant, room);
    const lines = linesOf(text);
    expect(lines[0]).toMatchObject({ type: "export", version: 1, kind: "room", tenant: tenant.id, room });
    const counts: Record<string, number> = {};
    for (const { type } of lines.slice(1, -1)) counts[type] = (counts[type] ?? 0) + 1;
    for (const [table, where] of [
      ["message", "1"],
      ["reaction", "1"],
      ["member", "1"],
      ["ban", "1"],
      ["file", "removed_at IS NULL AND message IS NOT NULL"],
    ] as const)
      expect([table, counts[table] ?? 0]).toEqual([
        table,
        (await query(tenant, room, `SELECT 1 FROM ${table} WHERE ${where}`)).length,
      ]);
    expect(lines.at(-1)).toMatchObject({ type: "end", kind: "room", counts });
    const [head = "", ...rest] = text.trimEnd().split("\n");
    expect(await withEnd(head, rest.slice(0, -1))).toBe(text);
    // What is written of it is who asked, and nothing of what was said.
    const { items } = await (
      await call("/v1/audit?action=room.exported", { credential: tenant.key })
    ).json<{
      items: object[];
    }>();
    expect(items).toMatchObject([
      { actor: { kind: "key", id: tenant.keyId }, target: { room }, before: null, after: null },
    ]);
  });

  test("[D10] is the room as it stood at its end, whatever was changed while it was read", async () => {
    const stub = roomStub(env, tenant.id, room);
    await make(room);
    for (let index = 1; index <= 40; index++) await say(`m${index} ${"x".repeat(16_000)}`);
    let position = null;
    let text = "";
    let pages = 0;
    for (;;) {
      const page = await stub.exportPage(position, null);
      if (!page.ok) throw new Error(page.error);
      text += page.text;
      if (page.next === null) break;
      position = page.next;
      pages++;
      // What is out already, what is not, and what is new.
      if (pages > 2) continue;
      for (const id of [1, 40])
        await call(`/v1/rooms/${room}/messages/${id}`, {
          method: "PATCH",
          credential: token,
          body: { text: `e${pages}` },
        });
      await call(`/v1/rooms/${room}/messages/2/reactions/%F0%9F%91%8D`, {
        method: pages === 1 ? "PUT" : "DELETE",
        credential: token,
      });
      await call(`/v1/rooms/${room}/members/bo`, {
        method: "PUT",
        credential: token,
        body: { role: pages === 1 ? "owner" : "member" },
      });
      await say(`new ${pages}`);
    }
    expect(pages).toBeGreaterThanOrEqual(2);
    const head = JSON.stringify(linesOf(await exported(tenant, room))[0]);
    await make("copy");
    expect((await imported(tenant, "copy", await withEnd(head, text.trimEnd().split("\n")))).status).toBe(201);
    // Lines that were overtaken have gone: both rooms are exported alike.
    expect(historyOf(await exported(tenant, "copy")).replaceAll(/"createdAt":\d+}$/g, "")).toBe(
      historyOf(await exported(tenant, room)).replaceAll(/"createdAt":\d+}$/g, ""),
    );
  });

  test("[D10] breaks off, without a last line, when something is erased while it is read", async () => {
    await make(room);
    for (let index = 0; index < 40; index++) await say("x".repeat(16_000));
    await call(`/v1/rooms/${room}/members/ada`, { method: "PUT", credential: token, body: { role: "member" } });
    const answer = await call(`/v1/rooms/${room}/export`, { credential: tenant.key });
    const reader = answer.body?.getReader();
    await reader?.read();
    await roomObject(tenant, room).erase("ada");
    const rest = async (): Promise<void> => {
      while ((await reader?.read())?.done === false);
    };
    await expect(rest()).rejects.toThrow();
  });

  test("[D11] is read in bounded pages, each when the last one was taken", async () => {
    await make(room);
    for (let index = 0; index < 60; index++) await say("x".repeat(16_000));
    let position = null;
    const sizes: number[] = [];
    do {
      const page = await roomStub(env, tenant.id, room).exportPage(position, null);
      if (!page.ok) throw new Error(page.error);
      sizes.push(page.text.length);
      position = page.next;
    } while (position !== null);
    expect(Math.max(...sizes)).toBeLessThan(fixedLimits.exportPageUnits + 40_000);
    expect(sizes.length).toBeGreaterThanOrEqual(4);
    // Who stops reading asks the room for nothing more, and whoever writes goes on.
    const answer = await call(`/v1/rooms/${room}/export`, { credential: tenant.key });
    const reader = answer.body?.getReader();
    await reader?.read();
    await say("goes on");
    await reader?.cancel();
  });

  test("[D11] reads more reactions on a message than a page holds, each once", async () => {
    await make(room);
    await say("liked");
    const count = fixedLimits.exportPageLines * 2 + 10;
    await query(
      tenant,
      room,
      `INSERT INTO reaction (message, emoji, user, at)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT 1, '👍', 'u' || i, i FROM n`,
    );
    await query(tenant, room, `UPDATE message SET reactions = '{"👍":{"count":${count},"users":["u1"]}}'`);
    const lines = linesOf(await exported(tenant, room));
    const users = lines.filter(({ type }) => type === "reaction").map(({ user }) => user);
    expect(users.length).toBe(count);
    expect(new Set(users).size).toBe(count);
  });
});

describe("an import", () => {
  test("[D12] makes the same history: exported again it is equal byte for byte, and its hash is", async () => {
    const files = [await addFile(tenant, room, "ada"), await addFile(tenant, room, null, { name: 'ü "x".pdf' })];
    await call(`/v1/rooms/${room}/messages`, {
      method: "POST",
      credential: token,
      body: { text: "files", attachments: files },
    });
    await fullRoom(tenant, room, { from: 1 });
    const before = await exported(tenant, room);
    const shown = await read(room);
    expect((await call(`/v1/rooms/${room}`, { method: "DELETE", credential: token })).status).toBe(204);
    await make(room);
    await query(tenant, room, "DELETE FROM file");
    const answer = await imported(tenant, room, before);
    expect(answer.status).toBe(201);
    const end = linesOf(before).at(-1);
    expect(await answer.json()).toMatchObject({ room, counts: end?.["counts"], hash: end?.["hash"] });
    const after = await exported(tenant, room);
    expect(historyOf(after)).toBe(historyOf(before));
    expect(linesOf(after).at(-1)).toEqual(end);
    expect((await read(room)).messages).toEqual(shown.messages);
    // A retry of long ago is still known, and what comes next is counted on.
    const again = await call(`/v1/rooms/${room}/messages`, {
      method: "POST",
      credential: token,
      body: { text: "first", nonce: "nonce-0001", mentions: ["bo"] },
    });
    expect(again.status).toBe(200);
    await say("next");
    const { head } = linesOf(before).find(({ type }) => type === "room") as unknown as { head: number };
    expect((await read(room)).messages.at(-1)).toMatchObject({ id: head + 1 });
  });

  test("[D12] begins an epoch of its own: older cursors are told so, and who is connected starts over", async () => {
    await fullRoom(tenant, room);
    const text = await exported(tenant, room);
    const { cursor } = await read(room);
    await make("copy");
    const socket = await connect("copy", { token });
    expect((await imported(tenant, "copy", text)).status).toBe(201);
    await socket.until(({ closed }) => closed !== null);
    expect(socket.closed?.code).toBe(4410);
    const back = await connect("copy", { token, cursor });
    expect(back.of("welcome")[0]).toMatchObject({ resumed: false, gap: { reason: "epoch" } });
    const page = await call(`/v1/rooms/copy/changes?after=${cursor}`, { credential: token });
    expect(await page.json()).toMatchObject({ reset: true, gap: { reason: "epoch" } });
    back.close();
  });

  test("[D12] is not counted as used again, and is listed with what it has", async () => {
    await fullRoom(tenant, room);
    const text = await exported(tenant, room);
    const other = await newTenant();
    await make("copy", other);
    expect((await imported(other, "copy", text)).status).toBe(201);
    pass(11_000);
    await runDurableObjectAlarm(roomObject(other, "copy"));
    const { items } = await (await call("/v1/rooms", { credential: other.key })).json<{ items: object[] }>();
    expect(items).toMatchObject([{ name: "copy", messages: 8, members: 1 }]);
    const { items: spans } = await (
      await call("/v1/usage", { credential: other.key })
    ).json<{ items: { messages: number }[] }>();
    expect(spans.reduce((sum, { messages }) => sum + messages, 0)).toBe(0);
  });

  test("[D13] that is cut anywhere, or does not match its end, leaves the room as it was", async () => {
    await fullRoom(tenant, room);
    const text = await exported(tenant, room);
    const [head = "", ...rest] = text.trimEnd().split("\n");
    const body = rest.slice(0, -1);
    const end = rest.at(-1) ?? "";
    await make("copy");
    const before = historyOf(await exported(tenant, "copy"));
    const broken: (readonly [string, string])[] = [
      ...[10, 300, 900, text.length - 5].map((at) => [`cut at ${at}`, text.slice(0, at)] as const),
      ["no lines", ""],
      ["no end", [head, ...body].join("\n")],
      ["a line less", [head, ...body.slice(1), end].join("\n")],
      ["lines exchanged", [head, body[1], body[0], ...body.slice(2), end].join("\n")],
      ["more after the end", `${text}{"type":"member"}\n`],
      ["another version", text.replace('"version":1', '"version":2')],
      ["another kind", text.replace('"kind":"room"', '"kind":"user"')],
      ["not UTF-8", text.replace("first", "\uD800")],
      ["an unknown type", await withEnd(head, ['{"type":"poll"}', ...body])],
      [
        "an unknown field",
        await withEnd(
          head,
          body.map((line) => line.replace('"readUpTo":3', '"readUpTo":3,"x":1')),
        ),
      ],
      [
        "a nonce twice",
        await withEnd(
          head,
          body.map((line) => line.replace("nonce-0002", "nonce-0001").replace('"text":null', '"text":null')),
        ),
      ],
      [
        "a seq twice",
        await withEnd(
          head,
          body.map((line) => line.replace('"id":5,"seq":5', '"id":5,"seq":4')),
        ),
      ],
      [
        "a head too low",
        await withEnd(
          head,
          body.map((line) => line.replace('"head":17', '"head":9')),
        ),
      ],
      [
        "a reaction on nothing",
        await withEnd(
          head,
          body.map((line) => line.replace('"reaction","message":3', '"reaction","message":5')),
        ),
      ],
      [
        "a reaction less",
        await withEnd(
          head,
          body.filter(
            (line) => !(line.includes('"reaction"') && line.includes("constructor") && line.includes('"user"')),
          ),
        ),
      ],
      [
        "a text too long",
        await withEnd(
          head,
          body.map((line) => line.replace("a reply", "x".repeat(tenantLimits.streamTextLength.ceiling + 1))),
        ),
      ],
      [
        "data too deep",
        await withEnd(
          head,
          body.map((line) => line.replace('"data":[]', `"data":${"[".repeat(40)}${"]".repeat(40)}`)),
        ),
      ],
      ["nothing after the room", await withEnd(head, [...body, body[0] ?? ""])],
    ];
    for (const [what, given] of broken) {
      const answer = await imported(tenant, "copy", given);
      expect([what, answer.status]).toEqual([what, 400]);
      await runDurableObjectAlarm(roomObject(tenant, "copy"));
      expect([what, historyOf(await exported(tenant, "copy"))]).toEqual([what, before]);
    }
    expect((await imported(tenant, "copy", text)).status).toBe(201);
  });

  test("[D13] brings numbers up to the limit, from which the room counts on, and no higher ones", async () => {
    await make(room);
    await say("one");
    const [head = "", ...rest] = (await exported(tenant, room)).trimEnd().split("\n");
    const most = fixedLimits.importCountMax;
    const bring = async (from: string, to: (count: number) => string, count: number): Promise<Response> =>
      imported(
        tenant,
        "copy",
        await withEnd(
          head,
          rest.slice(0, -1).map((line) => line.replace(from, to(count))),
        ),
      );
    await make("copy");
    for (const [from, to] of [
      ['"head":1', (count: number) => `"head":${count}`],
      ['"replies":0', (count: number) => `"replies":${count}`],
      ['"version":1', (count: number) => `"version":${count}`],
      ['"reactions":{}', (count: number) => `"reactions":{"x":{"count":${count},"users":["bo"]}}`],
    ] as const)
      for (const count of [most + 1, Number.MAX_SAFE_INTEGER]) {
        await refused(await bring(from, to, count), 400, "invalid_field");
        await runDurableObjectAlarm(roomObject(tenant, "copy"));
      }
    const both = await withEnd(
      head,
      rest
        .slice(0, -1)
        .map((line) => line.replace('"head":1', `"head":${most}`).replace('"replies":0', `"replies":${most}`)),
    );
    expect((await imported(tenant, "copy", both)).status).toBe(201);
    const body = { text: "a reply", replyTo: 1 };
    const reply = await call("/v1/rooms/copy/messages", { method: "POST", credential: token, body });
    expect([reply.status, await reply.json()]).toMatchObject([201, { message: { id: most + 1 } }]);
    // Replies are counted where they come in: none of those it told of was there.
    expect((await read("copy")).messages).toMatchObject([{ replies: 1 }, { id: most + 1 }]);
    expect((await call("/v1/rooms/copy/changes", { credential: token })).status).toBe(200);
  });

  test("[D13] says in which line of the body something is wrong, also behind files that are another room's", async () => {
    const attachments = [await addFile(tenant, room, "ada")];
    await call(`/v1/rooms/${room}/messages`, { method: "POST", credential: token, body: { text: "x", attachments } });
    await say("again");
    const [head = "", ...rest] = (await exported(tenant, room)).trimEnd().split("\n");
    expect(linesOf(rest.join("\n")).map(({ type }) => type)).toEqual(["message", "file", "message", "room", "end"]);
    const lines = rest.slice(0, -1).map((line) => line.replace('"id":2,"seq":2', '"id":1,"seq":1'));
    await make("copy");
    expect(await (await imported(tenant, "copy", await withEnd(head, lines))).json()).toMatchObject({
      code: "invalid_field",
      detail: expect.stringContaining("Line 4: "),
    });
  });

  test("[D13] keeps no file of a message that retention had removed", async () => {
    const file = await addFile(tenant, room, "ada");
    const body = { text: "files", attachments: [file] };
    await call(`/v1/rooms/${room}/messages`, { method: "POST", credential: token, body });
    await say("two");
    const [head = "", ...rest] = (await exported(tenant, room)).trimEnd().split("\n");
    const lines = rest.slice(0, -1).map((line) => line.replace('"oldest":1', '"oldest":2'));
    await call(`/v1/rooms/${room}`, { method: "DELETE", credential: token });
    await make(room);
    await query(tenant, room, "DELETE FROM file");
    expect((await imported(tenant, room, await withEnd(head, lines))).status).toBe(201);
    expect(await query(tenant, room, "SELECT 1 FROM file WHERE removed_at IS NULL")).toEqual([]);
    expect((await read(room)).messages).toHaveLength(1);
  });

  test("[D13] shows nothing of itself before its end, and none that is left to itself stays", async () => {
    await fullRoom(tenant, room);
    const text = await exported(tenant, room);
    await make("copy");
    const stub = roomStub(env, tenant.id, "copy");
    const begun = await stub.beginImport(null);
    if (!begun.ok) throw new Error(begun.error);
    const rows = linesOf(text).slice(1, -2) as never[];
    const rest = { import: begun.import, line: 2, skipFiles: false };
    expect(await stub.takeRows({ ...rest, from: 0, rows })).toEqual({ ok: true });
    // The same again, as after an answer that was lost, and one that has missed something.
    expect(await stub.takeRows({ ...rest, from: 0, rows })).toEqual({ ok: true });
    expect(await stub.takeRows({ ...rest, from: 99, rows })).toMatchObject({ error: "conflict" });
    const looks = async (): Promise<void> => {
      for (const path of ["/messages", "/changes", "", "/members"])
        await refused(await call(`/v1/rooms/copy${path}`, { credential: token }), 503, "overloaded");
      const body = { text: "x" };
      await refused(
        await call("/v1/rooms/copy/messages", { method: "POST", credential: token, body }),
        503,
        "overloaded",
      );
      await refused(await call("/v1/rooms/copy/export", { credential: tenant.key }), 503, "overloaded");
      await refused(await imported(tenant, "copy", text), 503, "overloaded");
    };
    await looks();
    await evictDurableObject(roomObject(tenant, "copy"));
    await looks();
    pass(fixedLimits.importIdleMs + 1);
    await runDurableObjectAlarm(roomObject(tenant, "copy"));
    expect(await read("copy")).toMatchObject({ messages: [] });
    expect(await stub.takeRows({ ...rest, from: rows.length, rows: [] })).toMatchObject({
      error: "conflict",
    });
    expect((await imported(tenant, "copy", text)).status).toBe(201);
  });

  test("[D14] is taken by a room in which nothing has happened yet, and by no other", async () => {
    await fullRoom(tenant, room);
    const text = await exported(tenant, room);
    await refused(await imported(tenant, room, text), 409, "conflict");
    await refused(await imported(tenant, "never-was", text), 404, "not_found");
    await make("member");
    await call("/v1/rooms/member/mutes/mo", { method: "PUT", credential: token, body: {} });
    await refused(await imported(tenant, "member", text), 409, "conflict");
  });

  test("[D14] takes lines up to the limit and no longer ones, and only lines", async () => {
    await make("copy");
    const line = (length: number): string => `${" ".repeat(length - 2)}{}`;
    const over = `${line(fixedLimits.importLineUnits + 1)}\n`;
    await refused(await imported(tenant, "copy", over), 413, "too_large");
    await refused(await imported(tenant, "copy", `${line(fixedLimits.importLineUnits)}\n`), 400, "invalid_field");
    const headers = { "Content-Type": "application/json" };
    const asJson = { method: "POST", credential: tenant.key, body: "{}", headers };
    await refused(await call("/v1/rooms/copy/import", asJson), 400, "bad_request");
  });
});
