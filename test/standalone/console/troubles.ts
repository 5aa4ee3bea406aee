/** What a room's page says when something is wrong, and how it goes on. */
import { expect, test } from "vitest";
import { ask, makeTenant } from "../../chaos/tenant.ts";
import type { Console } from "../../support/console.ts";
import { live, RoomDesk, shows } from "./roomDesk.ts";

export function troublesTests(console: () => Console): void {
  test("[K13] a page says what is wrong with its room, its key or its server, and goes on when that is over", async () => {
    const { server, page } = console();
    const tenant = await makeTenant(server, "troubles");
    const desk = await new RoomDesk(tenant, "hall").make();
    await desk.say("ada", { text: "before" });
    await console().show("/rooms/hall", tenant.key);
    await shows(page, ["before"]);
    await server.kill();
    await page.getByText("Not connected").waitFor();
    await server.start();
    // Or wait for the next try.
    await page.evaluate('dispatchEvent(new Event("online"))');
    await live(page);
    await desk.say("ada", { text: "after" });
    await shows(page, ["before", "after"]);
    expect(await page.getByText("Not connected").count()).toBe(0);

    await desk.ask("DELETE");
    await page.getByText("The room has been deleted.").first().waitFor();
    await page.getByRole("button", { name: "Make a room of this name" }).click();
    await live(page);
    await page.getByText("No messages yet").waitFor();

    const capabilities = ["read", "presence"];
    const made = await ask<{ key: { secret: string } }>(`${server.url}/v1/keys`, {
      method: "POST",
      credential: tenant.key,
      body: { capabilities },
    });
    await console().show("/rooms/hall", made.key.secret);
    await page.getByPlaceholder("This key may not publish.").waitFor();
    await page.getByText("May read, presence.").waitFor();
    await console().show("/rooms", made.key.secret);
    await page.getByText("This key may not do that").waitFor();
    // Of requests that failed a browser tells by itself.
    expect(
      console()
        .complaints.splice(0)
        .filter((said) => !/Failed to load|WebSocket connection/.test(said)),
    ).toEqual([]);
  });
}
