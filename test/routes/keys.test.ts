import { beforeAll, describe, expect, test } from "vitest";
import { formatApiKey } from "../../src/auth/apiKey.ts";
import { TestSocket } from "../support/socket.ts";
import { refused } from "./answers.ts";
import { askUpgrade, call, newTenant, newToken } from "./edge.ts";
import { isSocket, newWorld, operations, perform, release, type World } from "./operations.ts";

interface Wrong {
  readonly what: string;
  readonly credential: string;
}

/** Credentials that open nothing, each nearly one that does. */
async function wrongCredentials({ tenant, token, names }: World): Promise<Wrong[]> {
  const [header = "", claims = "", signature = ""] = token.split(".");
  const flip = (text: string): string => (text.startsWith("A") ? "B" : "A") + text.slice(1);
  const secret = tenant.key.slice(-43);
  const expired = await newToken(tenant, "ada", { "*": ["read"] }, 1);
  return [
    { what: "a token with another signature", credential: `${header}.${claims}.${flip(signature)}` },
    { what: "a token with other claims", credential: `${header}.${flip(claims)}.${signature}` },
    { what: "a token without a signature", credential: `${header}.${claims}.` },
    { what: "a token of alg none", credential: `${btoa('{"alg":"none"}').replace(/=+$/, "")}.${claims}.` },
    { what: "a token cut short", credential: token.slice(0, -7) },
    { what: "a token that is too long", credential: `${header}.${claims.repeat(60)}.${signature}` },
    {
      what: "a key with another secret",
      credential: formatApiKey({ tenant: tenant.id, keyId: tenant.keyId, secret: flip(secret) }),
    },
    { what: "a key with another id", credential: formatApiKey({ tenant: tenant.id, keyId: names.key, secret }) },
    {
      what: "a key of a master key that is none",
      credential: formatApiKey({ tenant: tenant.id, keyId: "9kaaaaaaaaaaaa", secret }),
    },
    { what: "a key with something behind it", credential: `${tenant.key}.x` },
    { what: "half of the operator's key", credential: "test-operator-key-012345678" },
    { what: "a token that lives a second", credential: expired },
  ];
}

/** The pieces of a credential that would help whoever reads them: every 12 characters of what is not its prefix. */
function piecesOf(credential: string): string[] {
  return credential
    .split(/[._]/)
    .flatMap((part) =>
      part.length < 12 ? [] : Array.from({ length: part.length - 11 }, (_, at) => part.slice(at, at + 12)),
    );
}

function expectNoneIn(said: string, credential: string, publicNames: readonly string[]): void {
  const allowed = publicNames.join(" ");
  const leaked = piecesOf(credential).filter((piece) => !allowed.includes(piece) && said.includes(piece));
  expect({ said, leaked }).toEqual({ said, leaked: [] });
}

async function everythingOf(response: Response): Promise<string> {
  return [response.status, response.statusText, ...[...response.headers].flat(), await response.text()].join("\n");
}

describe("what a refusal says", () => {
  let world: World;
  let wrong: Wrong[];
  beforeAll(async () => {
    world = await newWorld();
    wrong = await wrongCredentials(world);
  });

  test.each(operations.filter(({ plane }) => plane !== "everyone"))(
    "[A7] $name gives no piece of a wrong credential back",
    async (operation) => {
      const names = [world.tenant.id, world.tenant.keyId, world.names.key];
      for (const { credential } of wrong) {
        for (const Authorization of [
          `Bearer ${credential}`,
          `Basic ${credential}`,
          credential,
          `Bearer ${credential} x`,
        ]) {
          const response = await perform(operation, world, { credential: undefined, headers: { Authorization } });
          // The leeway of a clock lets the one of a second through.
          if (!response.ok && response.webSocket === null)
            expectNoneIn(await everythingOf(response), credential, names);
          if (response.ok || response.webSocket !== null) await release(response);
        }
      }
    },
  );

  test("[A7] neither does a refusal of a right one, nor of a credential in a wrong place", async () => {
    const { token, tenant, poorToken, names } = world;
    for (const credential of [token, poorToken, tenant.key])
      for (const response of [
        await call(`/v1/nowhere`, { credential }),
        await call("/v1/tokens", { credential }),
        await call("/v1/tokens", { method: "POST", credential, body: { nonsense: true } }),
        await call("/v1/tenants", { credential }),
        await call(`/v1/rooms/${names.room}`, {
          method: "DELETE",
          credential: poorToken,
          headers: { Cookie: credential },
        }),
        await call("/v1/rooms/never", { credential, headers: { "X-Api-Key": credential } }),
        await call("/v1/tenant", { headers: { "Proxy-Authorization": credential } }),
        await call(`/v1/tenant?access_token=${credential}&token=${credential}`, {}),
        await call("/v1/rooms?token=1", { credential }),
      ])
        expectNoneIn(await everythingOf(response), credential, [tenant.id, tenant.keyId]);
  });

  test("[A7] neither does a page's socket: not its frames, not its closing, not its headers", async () => {
    for (const { credential } of wrong.slice(0, -1)) {
      for (const headers of [
        { "Sec-WebSocket-Protocol": `parley.v1, bearer.${credential}` },
        { Authorization: `Bearer ${credential}` },
      ]) {
        const response = await askUpgrade(world.names.room, { ...headers, Origin: "https://app.test" });
        if (response.webSocket === null) throw new Error("a page was refused with a problem");
        const socket = new TestSocket(response.webSocket);
        await socket.until(({ closed }) => closed !== null);
        const said = JSON.stringify([socket.frames, socket.closed, [...response.headers]]);
        expectNoneIn(said, credential, [world.tenant.id, world.tenant.keyId, world.names.key]);
      }
    }
  });

  test("[A7] neither does a room that is sent one in a frame", async () => {
    const { token, tenant, names } = world;
    const response = await askUpgrade(names.room, { Authorization: `Bearer ${token}` });
    if (response.webSocket === null) throw new Error("not upgraded");
    const socket = new TestSocket(response.webSocket);
    const credentials = [token, tenant.key];
    for (const credential of credentials) {
      socket.send(
        { type: "token", token: credential },
        { type: "token", token: credential.repeat(40) },
        { type: credential },
      );
      socket.send({ type: "publish", nonce: credential, text: "x" }, `{"type":"token","token":"${credential}`, {
        type: "react",
        id: 1,
        emoji: credential,
      });
    }
    // One of them is a new token for who is there already, and is taken.
    await socket.until(() => socket.of("error").length + socket.of("token").length === 12);
    expect(socket.of("token")).toHaveLength(1);
    for (const credential of credentials)
      expectNoneIn(JSON.stringify(socket.of("error")), credential, [tenant.id, tenant.keyId]);
    socket.close();
  });
});

describe("keys", () => {
  test("[A1] a list of keys holds no secret, and what was shown once is not shown again", async () => {
    const tenant = await newTenant();
    const said = await everythingOf(await call("/v1/keys", { credential: tenant.key }));
    expectNoneIn(said, tenant.key, [tenant.id, tenant.keyId]);
    expect(said).toContain(tenant.keyId);
  });

  test("[A10] a removed key and a token that it signed are refused within 5 seconds, on every route", async () => {
    const world = await newWorld();
    const { tenant, names, plainKey } = world;
    const body = { user: "ada", rooms: { "*": ["read"] } };
    const signed = await call("/v1/tokens", { method: "POST", credential: plainKey, body });
    const { token } = await signed.json<{ token: string }>();
    const room = `/v1/rooms/${names.room}`;
    for (const credential of [plainKey, token]) expect((await call(room, { credential })).status).toBe(200);

    const removedAt = Date.now();
    expect((await call(`/v1/keys/${names.key}`, { method: "DELETE", credential: tenant.key })).status).toBe(204);
    for (const credential of [plainKey, token])
      await expect
        .poll(async () => (await call(room, { credential })).status, { timeout: 6_000, interval: 100 })
        .toBe(401);
    expect(Date.now() - removedAt).toBeLessThanOrEqual(5_300);
    for (const operation of operations.filter(({ plane }) => plane !== "everyone" && plane !== "operator")) {
      if (isSocket(operation)) continue;
      for (const credential of [plainKey, token])
        await refused(await perform(operation, world, { credential }), 401, "token_revoked");
    }
    const upgraded = await askUpgrade(names.room, {
      "Sec-WebSocket-Protocol": `parley.v1, bearer.${token}`,
      Origin: "https://a.test",
    });
    if (upgraded.webSocket === null) throw new Error("a page was refused with a problem");
    const socket = new TestSocket(upgraded.webSocket);
    await socket.until(({ closed }) => closed !== null);
    expect(socket.closed?.code).toBe(4502);
  });

  test("[A10] a key that was just made works at once, also where its tenant's policy is held", async () => {
    const tenant = await newTenant();
    for (let count = 0; count < 3; count++) {
      const made = await call("/v1/keys", { method: "POST", credential: tenant.key, body: {} });
      const { key } = await made.json<{ key: { secret: string } }>();
      await expect
        .poll(async () => (await call("/v1/tenant", { credential: key.secret })).status, { timeout: 1_500 })
        .toBe(200);
    }
  });

  test("[T3] the last key that administers cannot be removed, not even by two at once", async () => {
    const { tenant, names } = await newWorld();
    const remove = (key: string): Promise<Response> =>
      call(`/v1/keys/${key}`, { method: "DELETE", credential: tenant.key });
    await refused(await remove(tenant.keyId), 409, "conflict");
    expect((await remove(names.key)).status).toBe(204);
    const made = await call("/v1/keys", { method: "POST", credential: tenant.key, body: { capabilities: ["admin"] } });
    const { key } = await made.json<{ key: { id: string } }>();
    const both = await Promise.all([remove(tenant.keyId), remove(key.id)]);
    expect(both.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([204, 409]);
  });
});
