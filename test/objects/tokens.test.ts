import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { eventually, goTo, pass, startClock, stopClock } from "../support/clock.ts";
import type { ServerFrame } from "../../src/protocol/serverFrames.ts";
import { call } from "../support/api.ts";
import { query, roomObject } from "../support/room.ts";
import { ask, here, type Place, place } from "../support/place.ts";
import { connect, type TestSocket } from "../support/socket.ts";
import { newToken } from "../routes/edge.ts";

beforeEach(() => stopClock());
afterEach(startClock);

const { tokenLookMs, tokenNoticeMs } = fixedLimits;
const leewayMs = fixedLimits.tokenLeewaySeconds * 1_000;
const ordinary = { "*": ["read", "publish", "presence"] };

async function enterFor({ tenant }: Place, user: string, seconds: number): Promise<TestSocket> {
  return connect(here, { token: await newToken(tenant, user, ordinary, seconds), presence: "full" });
}

/** What was sent before an answer to this has arrived. */
async function heard(...sockets: TestSocket[]): Promise<void> {
  for (const socket of sockets) if (socket.closed === null) await ask(socket, { type: "history", limit: 1 });
}

/** Rings whenever the room has booked it, until then. How often it rang for tokens. */
async function goOn(room: Place, untilMs: number): Promise<number> {
  for (let rings = 0; ; rings++) {
    const dueMs = (await room.dueMs("tokens")) ?? Infinity;
    if (dueMs > untilMs) {
      goTo(untilMs);
      return rings;
    }
    goTo(Math.max(dueMs, Date.now()));
    await room.ring();
  }
}

const notices = (socket: TestSocket): object[] => socket.of("token");

async function closed(socket: TestSocket): Promise<void> {
  await eventually(
    () => socket.closed !== null,
    () => socket.frames.slice(-3),
  );
}

describe("the end of a token", () => {
  test("[A17] a socket is told a minute before, once, whatever the room has forgotten", async () => {
    const room = await place();
    const ada = await enterFor(room, "ada", 3_600);
    const expiresAt = ada.welcome.expiresAt ?? 0;
    expect(await room.dueMs("tokens")).toBe(expiresAt - tokenNoticeMs);
    await room.forget();
    expect(await goOn(room, expiresAt - tokenNoticeMs - 1)).toBe(0);
    await heard(ada);
    expect(notices(ada)).toEqual([]);
    expect(await goOn(room, expiresAt - tokenNoticeMs)).toBe(1);
    await heard(ada);
    expect(notices(ada)).toEqual([{ type: "token", expiresAt, expiring: true }]);
    // An alarm that rings twice, and one after the memory went.
    await room.ring();
    await room.forget();
    await room.ring();
    await goOn(room, expiresAt + leewayMs - 1);
    await heard(ada);
    expect(notices(ada)).toHaveLength(1);
    expect(ada.closed).toBeNull();
  });

  test("[A11] a reader that sends nothing, in a room that sleeps, is closed with 4401 when the leeway is over", async () => {
    const room = await place();
    // Shorter than the silence for which it would be closed in any case.
    const ada = await enterFor(room, "ada", 300);
    const bo = await enterFor(room, "bo", 500);
    const expiresAt = ada.welcome.expiresAt ?? 0;
    await goOn(room, expiresAt + leewayMs - 1);
    await room.forget();
    expect(ada.closed).toBeNull();
    expect(await room.dueMs("tokens")).toBe(expiresAt + leewayMs);
    await goOn(room, expiresAt + leewayMs);
    await closed(ada);
    expect(ada.closed).toEqual({ code: 4401, reason: "token_expired" });
    expect(ada.of("closing")).toMatchObject([{ code: 4401, reconnect: "now" }]);
    await heard(bo);
    expect([bo.closed, notices(bo)]).toEqual([null, []]);
  });

  test("[A17] of a token that lives less than two minutes the half is waited for", async () => {
    const room = await place();
    for (const seconds of [119, 60, 1]) {
      const socket = await enterFor(room, `u${seconds}`, seconds);
      const expiresAt = socket.welcome.expiresAt ?? 0;
      const leftMs = expiresAt - Date.now();
      await goOn(room, Date.now() + Math.ceil(leftMs / 2));
      await heard(socket);
      expect(notices(socket)).toEqual([{ type: "token", expiresAt, expiring: true }]);
      await goOn(room, expiresAt + leewayMs);
      await closed(socket);
    }
  });

  test("[A17] no alarm is booked where no token ends, and none is left when they have ended", async () => {
    const room = await place();
    const server = await connect(here, { token: room.tenant.key });
    expect(await room.dueMs("tokens")).toBeNull();
    expect(server.welcome.expiresAt).toBeNull();
    const ada = await enterFor(room, "ada", 60);
    await goOn(room, Date.now() + 100_000);
    await closed(ada);
    expect(await room.dueMs("tokens")).toBeNull();
    await heard(server);
    expect([server.closed, notices(server)]).toEqual([null, []]);
    // One that has left by itself costs one alarm more.
    const bo = await enterFor(room, "bo", 60);
    await room.exit(bo);
    expect(await goOn(room, Date.now() + 200_000)).toBe(1);
    expect(await room.dueMs("tokens")).toBeNull();
  });

  test("[A17] many that end one after the other are told and closed in batches, each in time", async () => {
    const room = await place();
    const sockets: TestSocket[] = [];
    const startMs = Math.ceil(Date.now() / 1_000) * 1_000;
    goTo(startMs);
    for (let at = 0; at < 60; at++) {
      sockets.push(await enterFor(room, `u${at}`, 300));
      pass(1_000);
    }
    const firstMs = startMs + 300_000;
    // A look now and then, and not one for each of the sixty.
    const rings = await goOn(room, firstMs - 1);
    expect(rings).toBeLessThanOrEqual(60_000 / tokenLookMs + 1);
    await heard(...sockets);
    for (const socket of sockets) expect(notices(socket)).toHaveLength(1);
    expect(await goOn(room, firstMs + leewayMs + 60_000 + tokenLookMs)).toBeLessThanOrEqual(60_000 / tokenLookMs + 2);
    for (const socket of sockets) await closed(socket);
    expect(new Set(sockets.map((socket) => socket.closed?.code))).toEqual(new Set([4401]));
  });
});

describe("a new token", () => {
  const everywhere = (...capabilities: string[]): Record<string, string[]> => ({ "*": capabilities });

  function renew(socket: TestSocket, token: string): Promise<ServerFrame> {
    return ask(socket, { type: "token", token });
  }

  let published = 0;
  const post = (text = "text"): object => ({ type: "publish", nonce: `nonce-${++published}-x`, text });

  async function renewed(socket: TestSocket, token: string): Promise<number> {
    const answer = await renew(socket, token);
    expect(answer).toEqual({ type: "token", ref: expect.any(String), expiresAt: expect.any(Number) });
    return answer.type === "token" ? answer.expiresAt : 0;
  }

  test("[A18] carries the socket beyond the end of the old one, and is told to end in its turn", async () => {
    const room = await place();
    const ada = await enterFor(room, "ada", 300);
    const first = ada.welcome.expiresAt ?? 0;
    await goOn(room, first - 30_000);
    await heard(ada);
    expect(notices(ada)).toHaveLength(1);
    const second = await renewed(ada, await newToken(room.tenant, "ada", ordinary, 300));
    expect(second).toBe(first - 30_000 + 300_000 - ((first - 30_000) % 1_000));
    await goOn(room, first + leewayMs + tokenLookMs);
    expect(await ask(ada, post())).toMatchObject({ type: "ack", id: 1 });
    // It lies on the socket, not in memory.
    await room.forget();
    await goOn(room, second - tokenNoticeMs);
    expect(await ask(ada, post())).toMatchObject({ type: "ack", id: 2 });
    expect(ada.of("token").filter(({ expiring }) => expiring)).toEqual([
      { type: "token", expiresAt: first, expiring: true },
      { type: "token", expiresAt: second, expiring: true },
    ]);
    await goOn(room, second + leewayMs);
    await closed(ada);
    expect(ada.closed?.code).toBe(4401);
  });

  test("[A18] one that ends sooner counts too, and without a `ref` it is answered all the same", async () => {
    const room = await place();
    const ada = await enterFor(room, "ada", 3_600);
    ada.send({ type: "token", token: await newToken(room.tenant, "ada", ordinary, 10) });
    await eventually(
      () => ada.of("token").length > 0,
      () => ada.frames,
    );
    const expiresAt = ada.of("token")[0]?.expiresAt ?? 0;
    expect(ada.of("token")).toEqual([{ type: "token", expiresAt }]);
    expect(expiresAt - Date.now()).toBeLessThanOrEqual(10_000);
    await goOn(room, expiresAt + leewayMs);
    await closed(ada);
    expect(ada.closed?.code).toBe(4401);
  });

  test("[A18] what was sent before its answer goes by the old one, what comes after by the new one", async () => {
    const room = await place();
    const reader = await newToken(room.tenant, "ada", everywhere("read"));
    const writer = await newToken(room.tenant, "ada", everywhere("read", "publish"));
    await room.enter("bo");
    const ada = await connect(here, { token: reader });
    const batch = (token: string): object[] => [
      { ...post(), ref: "before" },
      { type: "token", token, ref: "token" },
      { ...post(), ref: "after" },
    ];
    const answers = async (): Promise<(string | undefined)[]> => {
      await eventually(
        () => ada.of("token").length > 0,
        () => ada.frames,
      );
      return ["before", "after"].map((ref) => ada.frames.find((frame) => "ref" in frame && frame.ref === ref)?.type);
    };
    ada.send(batch(writer));
    expect(await answers()).toEqual(["error", "error"]);
    expect(await ask(ada, post())).toMatchObject({ type: "ack" });
    ada.frames.length = 0;
    ada.send(batch(reader));
    expect(await answers()).toEqual(["ack", "ack"]);
    expect(await ask(ada, post())).toMatchObject({ type: "error", code: "forbidden" });
  });

  test("[A18] [A2] refused, it changes nothing: neither rights nor the end; and the answer does not repeat it", async () => {
    const room = await place();
    const other = await place();
    const { tenant } = room;
    const ada = await enterFor(room, "ada", 600);
    const { expiresAt } = ada.welcome;
    const brief = await newToken(tenant, "ada", ordinary, 1);
    const made = await call("/v1/keys", { method: "POST", credential: tenant.key, body: { capabilities: ["read"] } });
    const { key } = await made.json<{ key: { id: string; secret: string } }>();
    const ofLostKey = await newToken({ ...tenant, key: key.secret }, "ada", everywhere("read"));
    await call(`/v1/keys/${key.id}`, { method: "DELETE", credential: tenant.key });
    const good = await newToken(tenant, "ada", ordinary);
    for (const [token, code] of [
      [await newToken(tenant, "bo", ordinary), "forbidden"],
      [await newToken(other.tenant, "ada", ordinary), "forbidden"],
      [await newToken(tenant, "ada", everywhere("publish")), "forbidden"],
      [await newToken(tenant, "ada", { elsewhere: ["read"] }), "forbidden"],
      [tenant.key, "token_invalid"],
      [`${good.slice(0, -4)}AAAA`, "token_invalid"],
      [`${good} ${good}`, "token_invalid"],
      ["", "token_invalid"],
      ["not\na token", "token_invalid"],
      [ofLostKey, "token_revoked"],
      [brief, "token_expired"],
    ] as const) {
      // Six a minute.
      pass(31_000);
      const answer = await renew(ada, token);
      expect([code, answer]).toEqual([code, expect.objectContaining({ type: "error", code })]);
      if (token !== "") expect(JSON.stringify(answer)).not.toContain(token.slice(-12));
    }
    expect(await ask(ada, post())).toMatchObject({ type: "ack" });
    expect(ada.of("token").filter(({ expiring }) => !expiring)).toEqual([]);
    await goOn(room, (expiresAt ?? 0) + leewayMs);
    await closed(ada);
    expect(ada.closed?.code).toBe(4401);
  });

  test("[A18] [L1] [L5] who is here follows it: a new name is an update, the capability makes one come and go", async () => {
    const room = await place();
    const bo = await room.watch("bo");
    const ada = await room.enter("ada");
    await room.fence(bo);
    const rename = async (name: string, ...capabilities: string[]): Promise<void> => {
      pass(31_000);
      const body = { user: "ada", name, rooms: everywhere(...capabilities) };
      const minted = await call("/v1/tokens", { method: "POST", credential: room.tenant.key, body });
      await renewed(ada, (await minted.json<{ token: string }>()).token);
      await room.fence(bo);
    };
    await rename("Ada L.", "read", "presence");
    expect((await room.listed()).map(({ user, name }) => [user, name])).toEqual([
      ["ada", "Ada L."],
      ["bo", "BO"],
    ]);
    expect(bo.socket.of("presence").at(-1)).toMatchObject({ joined: [], left: [], updated: [{ name: "Ada L." }] });
    await rename("Ada L.", "read");
    pass(11_000);
    await room.ring();
    await room.fence(bo);
    expect((await room.listed()).map(({ user }) => user)).toEqual(["bo"]);
    expect(bo.socket.of("presence").at(-1)).toMatchObject({ left: ["ada"] });
    // And hears of nobody.
    const heardOf = ada.of("presence").length;
    const cy = await room.enter("cy");
    await room.fence(bo, ada);
    expect(ada.of("presence")).toHaveLength(heardOf);
    await room.forget();
    await rename("Ada again", "read", "presence");
    expect((await room.listed()).map(({ name }) => name)).toEqual(["Ada again", "BO", "CY"]);
    expect(bo.socket.of("presence").at(-1)).toMatchObject({ joined: [{ user: "ada", name: "Ada again" }] });
    await room.exit(cy);
  });

  test("[A18] [L6] who may write no more has stopped typing", async () => {
    const room = await place();
    const bo = await room.enter("bo");
    const ada = await room.enter("ada");
    ada.send({ type: "typing", active: true });
    await renewed(ada, await newToken(room.tenant, "ada", everywhere("read")));
    await room.fence(bo);
    expect(bo.of("typing").map(({ user, active }) => [user, active])).toEqual([
      ["ada", true],
      ["ada", false],
    ]);
  });

  test("[A18] [W7] one at a time and six a minute; a seventh is told when", async () => {
    const room = await place();
    const ada = await enterFor(room, "ada", 300);
    const token = await newToken(room.tenant, "ada", ordinary);
    ada.send([
      { type: "token", token, ref: "one" },
      { type: "token", token, ref: "two" },
    ]);
    await heard(ada);
    await eventually(
      () => ada.of("token").length > 0,
      () => ada.frames,
    );
    expect(ada.of("error")).toMatchObject([{ ref: "two", code: "rate_limited", retryAfterMs: 1_000 }]);
    for (let more = 2; more <= fixedLimits.refreshesPerMinute; more++) await renewed(ada, token);
    const refused = await renew(ada, token);
    expect(refused).toMatchObject({ code: "rate_limited", limit: { scope: "socket", limit: 6, windowMs: 60_000 } });
    const retryAfterMs = refused.type === "error" ? (refused.retryAfterMs ?? 0) : 0;
    pass(retryAfterMs - 1);
    expect(await renew(ada, token)).toMatchObject({ code: "rate_limited" });
    pass(1);
    await renewed(ada, token);
  });

  test("[A18] [O1] a room that loses its memory meanwhile gives no answer, and takes the same token again", async () => {
    const room = await place();
    for (let round = 0; round < 5; round++) {
      const ada = await enterFor(room, `u${round}`, 300);
      const token = await newToken(room.tenant, `u${round}`, ordinary, 3_600);
      ada.send({ type: "token", token });
      await room.forget();
      pass(11_000);
      expect(await renewed(ada, token)).toBeGreaterThan((ada.welcome.expiresAt ?? 0) + 1_000_000);
      expect(ada.closed).toBeNull();
    }
  });

  test("[A18] a socket that an API key opened takes one of the user whom the key named, and of nobody else", async () => {
    const room = await place();
    const token = await newToken(room.tenant, "ada", ordinary, 60);
    const server = await connect(here, { token: room.tenant.key });
    expect(await renew(server, token)).toMatchObject({ type: "error", code: "forbidden" });
    const ada = await connect(here, { token: room.tenant.key, headers: { "Parley-User": "ada" } });
    expect(ada.welcome.expiresAt).toBeNull();
    const expiresAt = await renewed(ada, token);
    expect(await ask(ada, { type: "presence.set", state: {} })).toMatchObject({ type: "ack" });
    expect(await ask(ada, { type: "react", id: 1, emoji: "x" })).toMatchObject({ code: "forbidden" });
    await goOn(room, expiresAt + leewayMs);
    await closed(ada);
    await heard(server);
    expect([ada.closed?.code, server.closed]).toEqual([4401, null]);
  });

  test("[A18] a revocation means the token that counts: that of the old one is nothing to it, and a revoked one is not taken", async () => {
    const room = await place();
    const { tenant } = room;
    const [first, second, third] = [
      await newToken(tenant, "ada", ordinary, 3_000),
      await newToken(tenant, "ada", ordinary, 3_100),
      await newToken(tenant, "ada", ordinary, 3_200),
    ];
    const revoke = async (token: string): Promise<void> => {
      const { jti }: { jti: string } = JSON.parse(atob(token.split(".")[1] ?? ""));
      pass(2_000);
      const revoked = await call("/v1/revocations", { method: "POST", credential: tenant.key, body: { token: jti } });
      expect(revoked.status).toBe(201);
    };
    const ada = await connect(here, { token: first });
    await renewed(ada, second);
    await revoke(first);
    await room.forget();
    expect(await ask(ada, post())).toMatchObject({ type: "ack" });
    await revoke(third);
    expect(await renew(ada, third)).toMatchObject({ type: "error", code: "token_revoked" });
    expect(await ask(ada, post())).toMatchObject({ type: "ack" });
    await revoke(second);
    await closed(ada);
    expect(ada.closed?.code).toBe(4502);
  });

  test("[A7] [A18] its text is nowhere in the room, neither in a row nor on a socket", async () => {
    const room = await place();
    const ada = await enterFor(room, "ada", 300);
    const token = await newToken(room.tenant, "ada", ordinary);
    await renewed(ada, token);
    await ask(ada, post());
    const tables = await query<{ name: string }>(
      room.tenant,
      here,
      "SELECT name FROM sqlite_schema WHERE type = 'table'",
    );
    let kept = "";
    for (const { name } of tables.filter(({ name: table }) => !table.startsWith("_cf")))
      kept += JSON.stringify(await query(room.tenant, here, `SELECT * FROM "${name}"`));
    kept += await runInDurableObject(roomObject(room.tenant, here), (_, state) =>
      JSON.stringify(state.getWebSockets().map((socket) => WebSocket.prototype.deserializeAttachment.call(socket))),
    );
    expect(kept).toContain("nonce-");
    for (const part of token.split(".")) expect(kept).not.toContain(part.slice(0, 30));
  });

  test("[A18] what only our Worker may say is no frame of a client", async () => {
    const room = await place();
    const ada = await enterFor(room, "ada", 300);
    const session = { connection: "x", user: "ada", name: null, capabilities: ["manage"], ceiling: ["manage"] };
    ada.send({ type: "session", session: { ...session, key: "k", token: null, issuedAt: 0, expiresAt: null } });
    await heard(ada);
    expect(ada.of("error")).toMatchObject([{ code: "bad_frame" }]);
  });
});
