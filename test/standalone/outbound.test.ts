import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from "miniflare";
import { afterAll, beforeAll, expect, test } from "vitest";
import { withOutbound } from "../../standalone/outbound.ts";

/** Calls each address and says whether it was answered. */
const script = `export default {
  async fetch(request) {
    const answered = [];
    for (const url of await request.json()) answered.push(await fetch(url).then((answer) => answer.ok, () => false));
    return Response.json(answered);
  },
};`;

let server: Server;
let port: number;
beforeAll(async () => {
  server = createServer((_, response) => response.end("here")).listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => server.close());

/** Which of these addresses a Worker of this machine reaches. */
async function reached(urls: readonly string[], isPrivateAllowed: boolean): Promise<boolean[]> {
  const worker = { name: "worker", modules: true as const, compatibilityDate: "2026-08-15", script };
  const workers = withOutbound(worker, isPrivateAllowed);
  // The runtime writes a line for each connection that its rules refuse.
  const quiet = { log: new Log(LogLevel.NONE), handleStructuredLogs: () => undefined };
  const miniflare = new Miniflare(convertV4MiniflareOptions({ ...quiet, cf: false, workers }));
  try {
    const answer = await miniflare.dispatchFetch("http://worker/", { method: "POST", body: JSON.stringify(urls) });
    return (await answer.json()) as boolean[];
  } finally {
    await miniflare.dispose();
  }
}

test("[A15] [N22] on one machine the runtime refuses private addresses itself, also those to which a name resolves", async () => {
  const urls = [
    `http://127.0.0.1:${port}/`,
    `http://localhost:${port}/`,
    `http://0.0.0.0:${port}/`,
    `http://[::ffff:127.0.0.1]:${port}/`,
  ];
  expect(await reached(urls, false)).toEqual([false, false, false, false]);
  expect(await reached(urls, true)).toEqual([true, true, true, true]);
});
