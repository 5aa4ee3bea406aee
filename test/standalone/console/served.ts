/** How the console comes to a browser: at which addresses, and under which policy. */
import { expect, test } from "vitest";
import type { Console } from "../../support/console.ts";

export function servedTests(console: () => Console): void {
  test("[K1] every address beneath /console is the console, with a nonce of its own, and nothing inline is allowed", async () => {
    const { server } = console();
    const get = (path: string): Promise<Response> => fetch(server.url + path, { redirect: "manual" });
    const nonces = new Set<string>();
    for (const path of ["/console/", "/console/rooms/general", "/console/rooms/a.b:c"]) {
      const answer = await get(path);
      const policy = answer.headers.get("content-security-policy") ?? "";
      const [, nonce = ""] = /style-src 'self' 'nonce-([\w-]{21})'/.exec(policy) ?? [];
      expect([path, answer.status, await answer.text()]).toEqual([path, 200, expect.stringContaining(nonce)]);
      expect(policy).toMatch(/default-src 'none'.*script-src 'self';.*frame-ancestors 'none'/);
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
      expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
      expect(answer.headers.get("cache-control")).toBe("no-store");
      nonces.add(nonce);
    }
    expect([nonces.size, nonces.has("")]).toEqual([3, false]);
    const { status, headers } = await get("/console");
    expect([status, headers.get("location")]).toEqual([308, "/console/"]);
    for (const path of ["/console/assets/nowhere.js", "/consoles"])
      expect([path, (await get(path)).status]).toEqual([path, 404]);
  });
}
