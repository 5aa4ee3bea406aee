import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { parseMasterKeys } from "../../src/auth/masterKeys.ts";
import { mintToken } from "../../src/auth/token.ts";
import { type RefusalCode, refusals } from "../../src/protocol/refusals.ts";
import { ServerFrame } from "../../src/protocol/serverFrames.ts";
import worker from "../../src/index.ts";
import { leavePlace, takePlace } from "../../src/objects/room/connections.ts";
import { everything } from "../support/api.ts";
import { TestSocket } from "../support/socket.ts";
import { refused } from "./answers.ts";
import { askUpgrade, call, newTenant, newToken } from "./edge.ts";
import { heldPlaces } from "./events.ts";
import { newWorld, suspend, type World } from "./operations.ts";

const page = { Origin: "https://app.test" };
const offer = (token: string): Record<string, string> => ({ "Sec-WebSocket-Protocol": `parley.v1, bearer.${token}` });

function opened(response: Response): TestSocket {
  if (response.webSocket === null) throw new Error(`not upgraded: ${response.status}`);
  expect(response.status).toBe(101);
  return new TestSocket(response.webSocket);
}

/** What a page is told that may not come in: one `error`, one `closing`, and the close code of the table. */
async function refusedPage(response: Response, code: RefusalCode): Promise<void> {
  const socket = opened(response);
  await socket.until(({ closed }) => closed !== null);
  const { close, status, retry } = refusals[code];
  for (const frame of socket.frames) expect(ServerFrame.safeParse(frame)).toMatchObject({ success: true });
  expect(socket.frames).toMatchObject([
    { type: "error", code, status, retryable: retry !== "no" },
    {
      type: "closing",
      code: close,
      reconnect: close !== null && close >= 4500 ? "never" : expect.stringMatching(/now|backoff/),
    },
  ]);
  expect(socket.closed).toEqual({ code: close, reason: code });
}

describe("the subprotocol", () => {
  test("[H6] parley.v1 is selected wherever it is offered, and the bearer is never given back", async () => {
    const { token, names } = await newWorld();
    for (const offered of [
      `parley.v1, bearer.${token}`,
      `bearer.${token},parley.v1`,
      `other, parley.v1 , bearer.${token}`,
    ]) {
      const response = await askUpgrade(names.room, { "Sec-WebSocket-Protocol": offered });
      expect(response.headers.get("sec-websocket-protocol")).toBe("parley.v1");
      opened(response).close();
    }
  });

  test("[H6] with the credential in the header the subprotocol may be left out; then none is selected", async () => {
    const { token, names } = await newWorld();
    const bare = await askUpgrade(names.room, { Authorization: `Bearer ${token}` });
    expect(bare.headers.get("sec-websocket-protocol")).toBeNull();
    opened(bare).close();
    const both = await askUpgrade(names.room, {
      Authorization: `Bearer ${token}`,
      "Sec-WebSocket-Protocol": "parley.v1",
    });
    expect(both.headers.get("sec-websocket-protocol")).toBe("parley.v1");
    opened(both).close();
  });

  test("[H6] a foreign one is refused, also a later version and another case", async () => {
    const { token, names } = await newWorld();
    for (const offered of ["parley.v2", "PARLEY.V1", "parley.v10", "graphql-ws", `bearer.${token}`]) {
      const headers = { Authorization: `Bearer ${token}`, "Sec-WebSocket-Protocol": offered };
      await refused(await askUpgrade(names.room, headers), 400, "bad_request");
      await refusedPage(await askUpgrade(names.room, { ...headers, ...page }), "bad_request");
    }
  });

  test("[H6] what is no upgrade is 400, with and without a page", async () => {
    const { token, names } = await newWorld();
    const path = `/v1/rooms/${names.room}/socket`;
    const plain = [{}, page, { Upgrade: "h2c" }, { ...page, Upgrade: "h2c" }];
    for (const headers of plain) await refused(await call(path, { credential: token, headers }), 400, "bad_request");
    for (const headers of plain)
      await refused(await call(`${path}?cursor=x`, { credential: token, headers }), 400, "invalid_field");
    opened(await call(path, { credential: token, headers: { Upgrade: "WebSocket" } })).close();
  });
});

describe("a refused upgrade", () => {
  const cases: readonly {
    readonly code: RefusalCode;
    readonly ask: (world: World, headers: Record<string, string>) => Promise<Response>;
  }[] = [
    {
      code: "token_missing",
      ask: ({ names }, headers) => askUpgrade(names.room, { "Sec-WebSocket-Protocol": "parley.v1", ...headers }),
    },
    {
      code: "token_invalid",
      ask: ({ names, token }, headers) => askUpgrade(names.room, { ...offer(token.slice(0, -3)), ...headers }),
    },
    {
      code: "token_invalid",
      ask: ({ names }, headers) => askUpgrade(names.room, { ...offer("parley_x_1k_y"), ...headers }),
    },
    {
      code: "forbidden",
      ask: ({ names, poorToken }, headers) => askUpgrade(names.room, { ...offer(poorToken), ...headers }),
    },
    {
      code: "forbidden",
      ask: ({ names, token }, headers) => askUpgrade(names.room, { ...offer(token), "Parley-User": "mo", ...headers }),
    },
    { code: "not_found", ask: ({ token }, headers) => askUpgrade("never:was", { ...offer(token), ...headers }) },
    { code: "invalid_field", ask: ({ token }, headers) => askUpgrade("-no-name", { ...offer(token), ...headers }) },
    {
      code: "invalid_field",
      ask: ({ names, token }, headers) => askUpgrade(names.room, { ...offer(token), ...headers }, "?cursor=nonsense"),
    },
    {
      code: "invalid_field",
      ask: ({ names, token }, headers) => askUpgrade(names.room, { ...offer(token), ...headers }, "?backlog=201"),
    },
    {
      code: "room_deleted",
      ask: async ({ names, token }, headers) => {
        await call(`/v1/rooms/${names.room}`, { method: "DELETE", credential: token });
        return askUpgrade(names.room, { ...offer(token), ...headers });
      },
    },
    {
      code: "tenant_suspended",
      ask: async (world, headers) => {
        await suspend(world);
        await expect
          .poll(async () => (await call("/v1/tenant", { credential: world.tenant.key })).status, { timeout: 6_000 })
          .toBe(403);
        return askUpgrade(world.names.room, { ...offer(world.token), ...headers });
      },
    },
  ];

  test.each(cases)(
    "[H6] $code: a page is told by a frame and the close code, anything else by a problem",
    async ({ code, ask }) => {
      const world = await newWorld();
      await refused(await ask(world, {}), refusals[code].status, code);
      await refusedPage(await ask(world, page), code);
    },
  );

  test("[H6] an expired token is 4401 for a page: come back with a new one", async () => {
    const tenant = await newTenant();
    const masterKeys = parseMasterKeys(`1:${"test-master-key-".repeat(3)}`);
    const request = { user: "ada", rooms: { "*": ["read" as const] }, expiresInSeconds: 60 };
    const token =
      (await mintToken(masterKeys, { tenant: tenant.id, keyId: tenant.keyId }, request, Date.now() - 200_000))?.token ??
      "";
    await refused(await askUpgrade("general", offer(token)), 401, "token_expired");
    await refusedPage(await askUpgrade("general", { ...offer(token), ...page }), "token_expired");
  });

  test("[W7] a user has as many sockets in a room as the limit says; one more is refused with 4430, another user's is not", async () => {
    const tenant = await newTenant({ socketsPerUser: 3 });
    const ada = await newToken(tenant, "ada", { "*": everything });
    const held = [];
    for (let count = 0; count < 3; count++) held.push(opened(await askUpgrade("general", offer(ada))));
    await refused(await askUpgrade("general", offer(ada)), 429, "connection_limit");
    await refusedPage(await askUpgrade("general", { ...offer(ada), ...page }), "connection_limit");
    held.push(opened(await askUpgrade("general", offer(await newToken(tenant, "bo", { "*": everything })))));
    held.push(opened(await askUpgrade("another", offer(ada))));
    held[0]?.close(1000);
    await expect
      .poll(async () => {
        const again = await askUpgrade("general", offer(ada));
        if (again.webSocket !== null) held.push(opened(again));
        return again.status;
      })
      .toBe(101);
    for (const socket of held) socket.close();
  });

  test("[W7] a room takes as many sockets as its limit says and not one more", async () => {
    const tenant = await newTenant({ socketsPerRoom: 4 });
    const held = [];
    for (const user of ["a1", "b1", "c1", "d1"])
      held.push(opened(await askUpgrade("general", offer(await newToken(tenant, user, { "*": everything })))));
    await refused(
      await askUpgrade("general", offer(await newToken(tenant, "e1", { "*": everything }))),
      429,
      "connection_limit",
    );
    for (const socket of held) socket.close();
  });
});

describe("origins", () => {
  const listed = "https://app.example.com";
  const foreign = [
    "https://app.example.com.evil.test",
    "https://evil-app.example.com",
    "https://evilapp.example.com",
    "https://example.com",
    "https://sub.app.example.com",
    "http://app.example.com",
    "https://app.example.com:444",
    "https://app.example.com:443",
    "https://APP.example.com",
    "HTTPS://app.example.com",
    "https://app.example.com/",
    "https://app.example.com.",
    "https://app.example.co",
    "https://app.example.com, https://app.example.com",
    "https://app.example.com@evil.test",
    "null",
    "*",
    "file://",
    "",
  ];

  test("[T5] a listed origin comes in; its port, its scheme and its case count, and nothing may stand before or behind it", async () => {
    const tenant = await newTenant({}, { origins: [listed, "http://localhost:3000"] });
    const token = await newToken(tenant, "ada", { "*": everything });
    for (const Origin of [listed, "http://localhost:3000"]) {
      opened(await askUpgrade("general", { ...offer(token), Origin })).close();
      const read = await call("/v1/rooms/general", { credential: token, headers: { Origin } });
      expect([read.status, read.headers.get("access-control-allow-origin")]).toEqual([200, Origin]);
      expect(read.headers.get("vary")).toMatch(/origin/i);
    }
    for (const Origin of [...foreign, "http://localhost", "http://localhost:30000", "http://localhost:300"]) {
      for (const headers of [offer(token), { Authorization: `Bearer ${token}` }]) {
        const response = await askUpgrade("general", { ...headers, Origin });
        expect([Origin, response.webSocket, response.headers.get("access-control-allow-origin")]).toEqual([
          Origin,
          null,
          null,
        ]);
        await refused(response, 403, "origin_forbidden");
      }
      const read = await call("/v1/rooms/general", { credential: token, headers: { Origin } });
      expect(read.headers.get("access-control-allow-origin")).toBeNull();
      await refused(read, 403, "origin_forbidden");
    }
  });

  test("[T5] a caller that is no page sends no origin and comes in", async () => {
    const tenant = await newTenant({}, { origins: [] });
    const token = await newToken(tenant, "ada", { "*": everything });
    opened(await askUpgrade("general", offer(token))).close();
    await refused(await askUpgrade("general", { ...offer(token), ...page }), 403, "origin_forbidden");
  });

  test("[T5] `null` is an origin of its own that must be listed, and `*` is every origin", async () => {
    for (const [origins, allowed] of [
      [["null"], "null"],
      [["*"], "https://anything.test"],
    ] as const) {
      const tenant = await newTenant({}, { origins });
      const token = await newToken(tenant, "ada", { "*": everything });
      opened(await askUpgrade("general", { ...offer(token), Origin: allowed })).close();
    }
  });

  test("[T5] what is no origin cannot be listed", async () => {
    const tenant = await newTenant();
    for (const origin of [
      "https://*.example.com",
      "https://app.example.com/",
      "app.example.com",
      "https://APP.example.com",
      "https://a.test:123456",
      "ws://a.test",
      "",
    ])
      await refused(
        await call("/v1/tenant", {
          method: "PATCH",
          credential: tenant.key,
          body: { settings: { origins: [origin] } },
        }),
        400,
        "invalid_field",
      );
  });

  test("[T5] a page may ask beforehand what it may send, and read why it was refused; never with cookies", async () => {
    const tenant = await newTenant({}, { origins: [listed] });
    const preflight = await call("/v1/rooms/general/messages", {
      method: "OPTIONS",
      headers: { Origin: listed, "Access-Control-Request-Method": "POST" },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe(listed);
    expect(preflight.headers.get("access-control-allow-headers")).toMatch(/authorization.*idempotency-key/i);
    const missing = await call("/v1/rooms/general", { credential: tenant.key, headers: { Origin: listed } });
    for (const response of [preflight, missing])
      expect(response.headers.get("access-control-allow-credentials")).toBeNull();
    expect(missing.headers.get("access-control-allow-origin")).toBe(listed);
    expect(missing.headers.get("access-control-expose-headers")).toMatch(/X-Request-Id.*Retry-After/);
    await refused(missing, 404, "not_found");
  });
});

describe("the socket of many rooms", () => {
  const path = "/v1/socket";
  const ask = (headers: Readonly<Record<string, string>>, query = ""): Promise<Response> =>
    call(`${path}${query}`, { headers: { Upgrade: "websocket", ...headers } });

  test("[H6] parley.v1 is selected where it is offered, and the bearer is never given back", async () => {
    const { token } = await newWorld();
    const offered = await ask(offer(token));
    expect(offered.headers.get("sec-websocket-protocol")).toBe("parley.v1");
    const bare = await ask({ Authorization: `Bearer ${token}`, "X-Request-Id": "from-a-proxy" });
    expect(bare.headers.get("sec-websocket-protocol")).toBeNull();
    expect(bare.headers.get("x-request-id")).toBe("from-a-proxy");
    for (const response of [offered, bare]) opened(response).close();
  });

  test("[H6] what is no upgrade is 400, with and without a page, and so is a query", async () => {
    const { token } = await newWorld();
    for (const headers of [{}, page, { Upgrade: "h2c" }, { ...page, Upgrade: "h2c" }])
      await refused(await call(path, { credential: token, headers }), 400, "bad_request");
    for (const query of ["?room=general", "?cursor=0", "?backlog=1", "?presence=full", "?ticket=x", "?token=x"]) {
      await refused(await ask(offer(token), query), 400, "invalid_field");
      await refusedPage(await ask({ ...offer(token), ...page }, query), "invalid_field");
    }
    // Who may not come in is told so before anything else.
    await refused(await ask({}, "?room=general"), 401, "token_missing");
  });

  test("[H6] refused, a page is told by a frame and the close code, anything else by a problem", async () => {
    const { token, tenant } = await newWorld();
    const wrong: readonly (readonly [RefusalCode, Record<string, string>])[] = [
      ["token_missing", {}],
      ["token_missing", { "Sec-WebSocket-Protocol": "parley.v1" }],
      ["token_invalid", offer(token.slice(0, -3))],
      ["token_invalid", offer("parley_x_1k_y")],
      ["forbidden", { ...offer(token), "Parley-User": "mo" }],
      ["invalid_field", { ...offer(tenant.key), "Parley-User": "a b" }],
      ["bad_request", { Authorization: `Bearer ${token}`, "Sec-WebSocket-Protocol": "parley.v2" }],
    ];
    for (const [code, headers] of wrong) {
      await refused(await ask(headers), refusals[code].status, code);
      await refusedPage(await ask({ ...headers, ...page }), code);
    }
    await suspend({ tenant });
    vi.useFakeTimers({ now: Date.now() + 6_000, toFake: ["Date"] });
    await refused(await ask(offer(token)), 403, "tenant_suspended");
    vi.useRealTimers();
  });

  test("[T5] a page of an origin that is not listed is 403 before the upgrade", async () => {
    const tenant = await newTenant({}, { origins: ["https://app.example.com"] });
    const token = await newToken(tenant, "ada", { "*": everything });
    opened(await ask({ ...offer(token), Origin: "https://app.example.com" })).close();
    for (const query of ["", "?room=general"]) {
      const response = await ask({ ...offer(token), ...page }, query);
      expect([response.webSocket, response.headers.get("access-control-allow-origin")]).toEqual([null, null]);
      await refused(response, 403, "origin_forbidden");
    }
  });

  test("[S4] it holds one place among the connections; beyond them it is 503, also for a page", async () => {
    const { token } = await newWorld();
    const before = heldPlaces();
    const socket = opened(await ask(offer(token)));
    expect(heldPlaces()).toBe(before + 1);
    for (const headers of [offer(token), { ...offer(token), ...page }]) {
      const request = new Request(`http://parley.test${path}`, { headers: { Upgrade: "websocket", ...headers } });
      const full = { ...env, MAX_CONNECTIONS: String(before + 1) };
      await refused(await worker.fetch(request, full, createExecutionContext()), 503, "overloaded");
    }
    socket.close(1000);
    await expect.poll(heldPlaces).toBe(before);
    await refused(await ask({}), 401, "token_missing");
    expect(heldPlaces()).toBe(before);
  });

  test("[S4] descriptors are counted too: two for each connection, three for each room that has one", async () => {
    const { tenant } = await newWorld();
    const token = await newToken(tenant, "ada", { "*": ["read", "publish"] });
    const other = { Upgrade: "websocket", ...offer(token) };
    const join = (room: string, files: number): Promise<Response> => {
      const request = new Request(`http://parley.test/v1/rooms/${room}/socket`, { headers: other });
      return Promise.resolve(worker.fetch(request, { ...env, MAX_FILES: String(files) }, createExecutionContext()));
    };
    for (const room of ["one", "two"]) await call(`/v1/rooms/${room}`, { method: "PUT", credential: tenant.key });
    const fewest = fewestFiles();
    const sockets: TestSocket[] = [];
    // Whoever comes may make a room of his own; a second one in a room takes no more of its files.
    for (const [room, more] of [
      ["one", 0],
      ["two", 5],
      ["two", 10],
      ["two", 12],
    ] as const) {
      await refused(await join(room, fewest + more - 1), 503, "overloaded");
      sockets.push(opened(await join(room, fewest + more)));
    }
    for (const socket of sockets) socket.close(1000);
  });
});

/** With which one more connection is let in. */
function fewestFiles(): number {
  for (let files = 1; ; files++) {
    if (!takePlace("probe", { connections: Infinity, files })) continue;
    leavePlace("probe");
    return files;
  }
}

test.each([`/v1/rooms/team:lobby/socket`, "/v1/socket"])(
  "[H2] HEAD %s is refused, and leaves nothing behind",
  async (path) => {
    const { token, names } = await newWorld();
    const before = heldPlaces();
    for (const headers of [{ Upgrade: "websocket" }, {}]) {
      const response = await call(path, { method: "HEAD", credential: token, headers });
      expect([response.status >= 400 && response.status < 500, response.webSocket]).toEqual([true, null]);
    }
    const info = await call(`/v1/rooms/${names.room}`, { credential: token });
    expect(await info.json()).toMatchObject({ online: 0 });
    expect(heldPlaces()).toBe(before);
  },
);
