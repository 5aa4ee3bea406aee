/** Readers in a real Chromium, with its own EventSource and WebSocket, while everything between them and the disk breaks. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, type TestContext, test } from "vitest";
import { ask, call, type LiveTenant, makeTenant, newToken, wholeHistory } from "../chaos/tenant.ts";
import { launchBrowser } from "../support/browser.ts";
import { type Server, startServer } from "../support/process.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { grown, hold, newContext, openReader, openTab, type ReaderTab, standings } from "./browser/tab.ts";
import { Writer } from "./browser/writer.ts";

const withinMs = 20_000;
/** Longer than a stream ever tells a browser to wait before it comes back. */
const comebackMs = 3_200;
const [CONNECTING, CLOSED] = [0, 2];

let server: Server;
let proxy: Proxy;
beforeAll(async () => {
  server = await startServer();
  proxy = await startProxy(server);
});
afterAll(async () => {
  await proxy.close();
  await server.remove();
});

test("[R1] [R2] [E1] [E3] [A12] [P2] four pages lose nothing and get nothing twice, whatever breaks", async (context) => {
  const tenant = await patientTenant("acme");
  const token = await newToken(tenant, "reader");
  const rooms = ["north", "south"];
  for (const room of rooms) await post(tenant, room, "the first");
  const browser = await newContext(await launchBrowser(context));
  const eventTabs = [
    await openReader(browser, proxy.url, { by: "events", rooms: ["north"], token }),
    await openReader(browser, proxy.url, { by: "events", rooms, many: true, token }),
  ];
  const socketTabs = [
    await openReader(browser, proxy.url, { by: "socket", rooms: ["north"], token }),
    await openReader(browser, proxy.url, { by: "socket", rooms, many: true, token }),
  ];
  const tabs = [...eventTabs, ...socketTabs];
  const writers = rooms.flatMap((room) => ["ada", "bo"].map((user) => new Writer(tenant, room, user)));
  for (const writer of writers) writer.begin();
  await allWell(tabs, writers);

  const beforeKill = await standings(tabs);
  await server.kill();
  await grown("ends", beforeKill, tabs);
  await server.start();
  await allWell(tabs, writers);

  // Chromium's offline lets open event streams go on, so they are cut. A WebSocket goes silent, which its page must notice.
  const beforeOffline = await standings(tabs);
  await browser.setOffline(true);
  proxy.trouble("cut", ({ firstLine }) => !firstLine.includes("/socket"));
  await grown("ends", beforeOffline, tabs, { by: 2 });
  await wroteMore(writers);
  await browser.setOffline(false);
  await allWell(tabs, writers);

  // An EventSource cannot notice it, and gets all that was held back. A WebSocket's page comes back before.
  const beforeStall = await standings(tabs);
  expect(proxy.trouble("stall")).toBeGreaterThanOrEqual(tabs.length);
  await grown("opened", beforeStall, socketTabs);
  await wroteMore(writers);
  proxy.heal();
  await allWell(tabs, writers);

  // Twice, the second time when the first page is back and the others are on their way.
  const beforeKills = await standings(tabs);
  await server.kill();
  await server.start();
  await grown("opened", beforeKills, tabs, { inTabs: 1 });
  await server.kill();
  await server.start();
  await allWell(tabs, writers);

  for (const writer of writers) await writer.halt();
  await allCaughtUp(tabs, writers);
  for (const room of rooms) {
    const history = await wholeHistory(tenant, room);
    const acked = writers.filter((writer) => writer.room === room).flatMap((writer) => [...writer.acked]);
    const sent = [["the first", 1], ...acked.sort(([, one], [, other]) => one - other)];
    expect(history.map(({ text, id }) => [text, id])).toEqual(sent);
    const ids = history.map(({ id }) => id);
    for (const tab of tabs.filter(({ options }) => options.rooms.includes(room)))
      await tab.says({ rooms: { [room]: { told: ids, inserted: ids, gaps: [], resets: 1, holes: 0 } } });
  }
  for (const tab of tabs) {
    expect([tab.name, tab.unexpected, tab.leaksOf(token)]).toEqual([tab.name, [], []]);
    expect((await tab.report()).opened).toBeGreaterThanOrEqual(4);
  }
});

test("[A12] [E4] a used ticket's comeback is closed with one error, and is the last", async (context) => {
  const tenant = await makeTenant(server, "tickets");
  await post(tenant, "north", "the first");
  const ticket = await newTicket(tenant, await newToken(tenant, "ada"), "north");
  const { page } = await openTab(await newContext(await launchBrowser(context)), proxy.url);
  const statuses: number[] = [];
  page.on("response", (response) => {
    if (response.url().includes("/events?")) statuses.push(response.status());
  });
  const openAs = (name: string): Promise<unknown> =>
    page.evaluate(`{
      const source = new EventSource("/v1/rooms/north/events?ticket=${ticket}");
      const seen = { ids: [], errors: [] };
      source.addEventListener("changes", ({ lastEventId }) => seen.ids.push(lastEventId));
      source.addEventListener("error", () => seen.errors.push(source.readyState));
      globalThis.${name} = seen;
    }`);
  const eventually = (expression: string) => expect.poll(() => page.evaluate(expression), { timeout: withinMs });

  await openAs("first");
  await eventually("first.ids.length").toBe(1);
  proxy.trouble("cut");
  await eventually("first.errors").toEqual([CONNECTING, CLOSED]);
  await sleep(comebackMs);
  expect(await page.evaluate("first.errors")).toEqual([CONNECTING, CLOSED]);
  expect(statuses).toEqual([200, 204]);

  await openAs("second");
  await eventually("second.errors").toEqual([CLOSED]);
  expect(statuses).toEqual([200, 204, 401]);
});

test("[T5] [A12] [E1] a page of another origin reads if its tenant lists the origin, and sees nothing else", async (context) => {
  const [listed, stranger] = [await servePage(context), await servePage(context)];
  const tenant = await tenantOf("origins", listed);
  const token = await newToken(tenant, "ada");
  await post(tenant, "north", "the first");
  const browser = await newContext(await launchBrowser(context));
  const options = { server: proxy.url, rooms: ["north"], token };

  const events = await openReader(browser, listed, { by: "events", ...options });
  const socket = await openReader(browser, listed, { by: "socket", ...options });
  await hold([events, socket], { north: 1 });
  proxy.trouble("cut");
  await post(tenant, "north", "the second");
  for (const tab of [events, socket]) {
    await tab.says({ rooms: { north: { told: [1, 2], inserted: [1, 2], gaps: [], resets: 1 } } });
    expect(tab.unexpected).toEqual([]);
  }

  const noEvents = await openReader(browser, stranger, { by: "events", ...options });
  await expect
    .poll(() => noEvents.complaints.join("\n"), { timeout: withinMs })
    .toMatch(/\/v1\/tickets' .* blocked by CORS policy/);
  const ticket = await newTicket(tenant, token, "north");
  await noEvents.page.evaluate(`reader.openWith("${ticket}")`);
  await noEvents.says({ errors: [CLOSED], opened: 0, tickets: 0, rooms: { north: { told: [] } } });
  const noSocket = await openReader(browser, stranger, { by: "socket", ...options });
  await expect.poll(async () => (await noSocket.report()).closes, { timeout: withinMs }).toContain(1006);
  await noSocket.says({ errors: [], opened: 0, rooms: { north: { told: [] } } });

  // Nor was the ticket used up by it.
  const { opened } = await events.report();
  await events.page.evaluate(`reader.openWith("${ticket}")`);
  await events.says({ opened: opened + 1 });
});

test("[W3] [W6] [H6] [E7] pages stay away where they must not come back, and only there", async (context) => {
  const tenant = await makeTenant(server, "farewells");
  const token = await newToken(tenant, "ada");
  const rooms = ["stays", "goes"];
  for (const room of rooms) await post(tenant, room, "the first");
  const browser = await newContext(await launchBrowser(context));
  const events = await openReader(browser, proxy.url, { by: "events", rooms: ["goes"], token });
  const socket = await openReader(browser, proxy.url, { by: "socket", rooms: ["goes"], token });
  const manyEvents = await openReader(browser, proxy.url, { by: "events", rooms, many: true, token });
  const manySocket = await openReader(browser, proxy.url, { by: "socket", rooms, many: true, token });
  const forged = await openReader(browser, proxy.url, { by: "socket", rooms: ["stays"], token: `${token}x` });
  const unruly = await openReader(browser, proxy.url, { by: "socket", rooms: ["stays"], token });
  await hold([events, socket, manyEvents, manySocket, unruly], { stays: 1, goes: 1 });

  const deleted = await call(`${server.url}/v1/rooms/goes`, { method: "DELETE", credential: tenant.key });
  expect(deleted.status).toBe(204);
  for (const tab of [events, socket, forged]) await tab.says({ isOver: true });
  for (const tab of [manyEvents, manySocket]) await tab.says({ rooms: { goes: { isOver: true } } });
  await unruly.page.evaluate("for (let count = 0; count < 50; count++) reader.say('nonsense')");
  await unruly.says({ closes: [4429], isOver: false });
  await post(tenant, "stays", "the second");
  await hold([manyEvents, manySocket, unruly], { stays: 2 });
  proxy.trouble("cut");
  await post(tenant, "stays", "the third");
  for (const tab of [manyEvents, manySocket])
    await tab.says({ isOver: false, opened: 2, rooms: { stays: { told: [1, 2, 3], resets: 1 } } });

  await manyEvents.says({ refusals: [["goes", "room_deleted"]] });
  await manySocket.says({ closes: [1006], errors: [] });
  await unruly.says({ opened: 3, closes: [4429, 1006], rooms: { stays: { told: [1, 2, 3], resets: 1 } } });
  await events.says({ opened: 1, tickets: 1, errors: [] });
  await socket.says({ opened: 1, closes: [4504], errors: [] });
  await forged.says({ opened: 1, closes: [4501], errors: ["token_invalid"] });
});

/** Waits until all have written some more, and every tab has it. */
async function allWell(tabs: readonly ReaderTab[], writers: readonly Writer[]): Promise<void> {
  await wroteMore(writers);
  await allCaughtUp(tabs, writers);
}

async function wroteMore(writers: readonly Writer[], count = 15): Promise<void> {
  const goals = writers.map(({ acked }) => acked.size + count);
  const isReached = (): boolean => writers.every(({ acked }, index) => acked.size >= (goals[index] ?? 0));
  await expect.poll(isReached, { timeout: withinMs }).toBe(true);
}

/** With all that is acked by now. */
async function allCaughtUp(tabs: readonly ReaderTab[], writers: readonly Writer[]): Promise<void> {
  const heads: Record<string, number> = {};
  for (const { room, head } of writers) heads[room] = Math.max(head, heads[room] ?? 0);
  await hold(tabs, heads);
}

/** One whose readers may fall far behind: what becomes of those that fell too far is another test's. */
async function patientTenant(id: string): Promise<LiveTenant> {
  const tenant = await makeTenant(server, id);
  const body = { limits: { replayChanges: 10_000, replayBytes: 1_048_576 } };
  await ask(`${server.url}/v1/tenants/${id}`, { method: "PATCH", credential: server.operatorKey, body });
  return tenant;
}

/** One that lists an origin from its first day: a later change may take seconds until it is known everywhere. */
async function tenantOf(id: string, origin: string): Promise<LiveTenant> {
  const { url, operatorKey: credential } = server;
  const body = { id, name: id, settings: { origins: [origin] } };
  const { key } = await ask<{ key: { secret: string } }>(`${url}/v1/tenants`, { method: "POST", credential, body });
  return { url, key: key.secret };
}

async function post({ url, key }: LiveTenant, room: string, text: string): Promise<void> {
  await ask(`${url}/v1/rooms/${room}/messages`, { method: "POST", credential: key, user: "ada", body: { text } });
}

async function newTicket({ url }: LiveTenant, token: string, room: string): Promise<string> {
  const made = await ask<{ ticket: string }>(`${url}/v1/tickets`, {
    method: "POST",
    credential: token,
    body: { room },
  });
  return made.ticket;
}

/** An empty page on a port of its own. Gives its origin. */
async function servePage(context: TestContext): Promise<string> {
  const listener = createServer((_, response) =>
    response.setHeader("Content-Type", "text/html").end("<!doctype html><link rel='icon' href='data:,'>"),
  );
  context.onTestFinished(() => {
    listener.closeAllConnections();
    listener.close();
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return `http://127.0.0.1:${(listener.address() as AddressInfo).port}`;
}
