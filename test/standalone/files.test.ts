/** Files on a real server: in a real Chromium, and over kills. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Message } from "../../src/protocol/message.ts";
import { ask, call, type LiveTenant, makeTenant, upload } from "../chaos/tenant.ts";
import { launchBrowser } from "../support/browser.ts";
import { type Server, startServer } from "../support/process.ts";
import { calledHome, type Disguise, disguises, pageWith } from "./browser/disguises.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

async function publish({ url, key }: LiveTenant, room: string, attachments: string[]): Promise<number> {
  const body = { attachments };
  const options = { method: "POST", credential: key, user: "ada", body };
  return (await ask<{ message: { id: number } }>(`${url}/v1/rooms/${room}/messages`, options)).message.id;
}

/** A context in which every request has the credential, as if a proxy or a cookie had added it: then a file's address opens. */
async function credentialed(context: Parameters<typeof launchBrowser>[0], { key }: LiveTenant): Promise<Visit> {
  const browser = await launchBrowser(context);
  const visit = await browser.newContext({ extraHTTPHeaders: { Authorization: `Bearer ${key}` } });
  const homeCalls: string[] = [];
  visit.on("request", (request) => {
    if (request.url().includes(calledHome)) homeCalls.push(request.url());
  });
  return { visit, homeCalls };
}

interface Visit {
  readonly visit: BrowserContext;
  readonly homeCalls: string[];
}

/** A page that has no policy of its own. */
async function serve(visit: BrowserContext, address: string, body: string): Promise<Page> {
  const page = await visit.newPage();
  await page.route(address, (route) => route.fulfill({ contentType: "text/html", body }));
  await page.goto(address);
  return page;
}

/** What is to be saved is no page: such a navigation ends without one. */
async function open(visit: BrowserContext, address: string): Promise<Page> {
  const page = await visit.newPage();
  const answered = page.waitForResponse(server.url + address);
  await page.goto(server.url + address).catch(() => null);
  expect((await answered).status()).toBe(200);
  return page;
}

/** Whether anything ran: in the page or in a frame of it. */
async function marks(page: Page): Promise<unknown[]> {
  const found = await Promise.all(
    page.frames().map((frame) => frame.evaluate("[document.title, globalThis.marked]").catch(() => ["no document"])),
  );
  return found.flat().filter((mark) => mark === "marked" || mark === true);
}

const dot = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64");
const widthOfImage = "document.images[0].decode().then(() => document.images[0].naturalWidth, () => 0)";

test("[F20] nothing that somebody uploaded runs or is rendered as a page of ours, whatever it says it is and however it is opened", async (context) => {
  const tenant = await makeTenant(server, "disguises");
  const { visit, homeCalls } = await credentialed(context, tenant);
  const ids: string[] = [];
  for (const disguise of disguises) ids.push(await upload(tenant, "general", "ada", disguise));
  await publish(tenant, "general", ids);

  const addresses = ids.map((id) => `/v1/uploads/${id}/content`);
  const pages = await Promise.all(addresses.map((address) => open(visit, address)));
  const embedding = await serve(visit, `${server.url}/embedding`, pageWith(addresses));
  expect(await embedding.evaluate("succeeded")).toBe(0);
  for (const page of [...pages, embedding]) expect([page.url(), await marks(page)]).toEqual([page.url(), []]);
  expect(await embedding.title()).toBe("untouched");
  // A picture that is one is shown, but not to pages of others.
  const picture = await upload(tenant, "general", "ada", { name: "dot.gif", said: "image/gif", bytes: dot });
  await publish(tenant, "general", [picture]);
  const shown = `<img src="${server.url}/v1/uploads/${picture}/content">`;
  for (const [host, width] of [
    [server.url, 1],
    ["http://elsewhere.test", 0],
  ] as const)
    expect(await (await serve(visit, `${host}/picture`, shown)).evaluate(widthOfImage)).toBe(width);
  expect(homeCalls).toEqual([]);

  // The same bytes under a type that is believed: otherwise it proved nothing.
  const believed = async ({ bytes, truly }: Disguise, index: number): Promise<Page> => {
    const path = `/believed-${index}`;
    await visit.route(server.url + path, (route) => route.fulfill({ contentType: truly, body: bytes }));
    return truly === "text/javascript"
      ? serve(visit, `${server.url}/host-${index}`, `<title>host</title><script src="${path}"></script>`)
      : open(visit, path);
  };
  for (const page of await Promise.all(disguises.map(believed)))
    await expect.poll(() => marks(page), { timeout: 30_000, message: page.url() }).not.toEqual([]);
  expect(homeCalls.length).toBeGreaterThanOrEqual(disguises.length);
});

test("[F17] kill -9 in the midst of a removal leaves nothing behind, and removes nothing that is still shown", async () => {
  const tenant = await makeTenant(server, "killed");
  const { url, key: credential } = tenant;
  const bytes = Buffer.alloc(fileBytes, "content");
  const withFiles = async (count: number): Promise<{ id: number; files: string[] }> => {
    const names = Array.from({ length: count }, (_, index) => `${index}`);
    const files = await Promise.all(
      names.map((name) => upload(tenant, "general", "ada", { name, said: "a/b", bytes })),
    );
    return { id: await publish(tenant, "general", files), files };
  };
  const remove = (id: number): Promise<Response> =>
    call(`${url}/v1/rooms/general/messages/${id}`, { method: "DELETE", credential });
  const messages: Awaited<ReturnType<typeof withFiles>>[] = [];
  while (messages.length < 20) messages.push(...(await Promise.all([1, 2, 3, 4].map(() => withFiles(2)))));

  const leaving = messages.slice(0, 18);
  for (const batch of [leaving.slice(0, 9), leaving.slice(9)]) {
    const removed = batch.map(({ id }) => remove(id));
    // When the first answer comes, the bytes of some are going, and others are not marked yet.
    expect((await Promise.any(removed)).status).toBe(200);
    await server.kill();
    await Promise.allSettled(removed);
    await server.start();
    const page = await ask<{ messages: Message[] }>(`${url}/v1/rooms/general/messages`, { credential });
    const shown = new Set(page.messages.flatMap(({ attachments }) => attachments.map(({ id }) => id)));
    for (const file of messages.flatMap(({ files }) => files)) {
      const { status } = await call(`${url}/v1/uploads/${file}/content`, { credential });
      expect([file, status]).toEqual([file, shown.has(file) ? 200 : 404]);
    }
  }
  for (const { id } of leaving) expect((await remove(id)).status).toBe(200);

  const stay = messages.slice(leaving.length).flatMap(({ files }) => files);
  await expect.poll(() => keysOf("killed"), { timeout: 20_000, interval: 100 }).toEqual(stay.toSorted());
  const used = async (): Promise<string> => (await call(`${url}/v1/metrics`, { credential })).text();
  const gauge = new RegExp(`^parley_file_bytes\\S* ${fileBytes * stay.length}$`, "m");
  await expect.poll(used, { timeout: 30_000 }).toMatch(gauge);
});

const fileBytes = 1_000;

/** What lies in the bucket, as its own database says. */
function keysOf(tenant: string): string[] {
  const folder = join(server.dataDir, "r2", "miniflare-R2BucketObject");
  const [name] = readdirSync(folder).filter((file) => file.endsWith(".sqlite") && file !== "metadata.sqlite");
  const database = new DatabaseSync(join(folder, name ?? ""), { readOnly: true });
  try {
    const keys = database.prepare("SELECT key FROM _mf_objects WHERE key LIKE ? ORDER BY key").all(`t/${tenant}/%`);
    return keys.map(({ key }) => String(key).slice(`t/${tenant}/`.length)).toSorted();
  } finally {
    database.close();
  }
}
