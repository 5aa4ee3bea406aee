/** What somebody does in a room by hand: reads far back, searches, moderates, brings files, listens for long. */
import { expect, test } from "vitest";
import { ask, type LiveTenant, makeTenant } from "../../chaos/tenant.ts";
import type { Console } from "../../support/console.ts";
import { act, live, RoomDesk, shows } from "./roomDesk.ts";

const total = 10_000;
/** As far back as somebody scrolls. */
const farthest = 9_501;

export function roomHandsTests(console: () => Console): void {
  let tenant: LiveTenant;
  let big: RoomDesk;

  test("[K31] of a room of ten thousand messages the page holds a hundred and twenty at most, however far one reads back", async () => {
    const { server, page } = console();
    tenant = await makeTenant(server, "hands");
    big = await new RoomDesk(tenant, "big").make();
    const say = (from: number): Promise<unknown> => {
      const messages = Array.from({ length: 100 }, (_, index) => ({ text: `line ${from + index}` }));
      return big.ask("POST", "/messages:batch", { messages }, "ada");
    };
    // Of those that are never seen the order does not matter.
    for (let from = 1; from < farthest; from += 500)
      await Promise.all([0, 100, 200, 300, 400].map((further) => say(from + further)));
    for (let from = farthest; from < total; from += 100) await say(from);
    await console().show("/rooms/big", tenant.key);
    await page.getByText(`line ${total}`, { exact: true }).waitFor({ timeout: 30_000 });
    const { rows, nodes } = await page.evaluate<{ rows: number; nodes: number }>(climb);
    await page.getByText(`line ${farthest}`, { exact: true }).waitFor();
    expect(rows).toBeLessThanOrEqual(120);
    // About twenty for each row, and what stands around them.
    expect(nodes).toBeLessThan(6_000);
    await page.getByRole("button", { name: /newe/ }).click();
    await page.getByText(`line ${total}`, { exact: true }).waitFor();
    expect(await page.locator(".message").count()).toBeLessThanOrEqual(120);
    expect(console().complaints).toEqual([]);
  });

  test("[K32] from a message its sender is kicked or banned unseen, and what is searched for is shown in its place", async () => {
    const { page } = console();
    const desk = await new RoomDesk(tenant, "yard").make({ search: true });
    const first = await desk.say("mallory", { text: "cheap watches" });
    const others = Array.from({ length: 30 }, (_, index) => ({ text: `something else ${index + 1}` }));
    await desk.ask("POST", "/messages:batch", { messages: others }, "ada");
    await console().show("/rooms/yard", tenant.key);
    await live(page);
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByLabel("Words").fill("watch*");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.locator(".hit mark").allInnerTexts()).toEqual(["watches"]);
    await page.getByRole("button", { name: `Show #${first.id} in the room` }).click();
    await page.locator(`[data-id="${first.id}"]:focus`).waitFor();

    const moderate = async (what: string): Promise<void> => {
      await act(page, first.id, "Moderate the sender");
      const dialog = page.getByRole("dialog", { name: "Moderate in this room" });
      await dialog.getByRole("radio", { name: what, exact: true }).check();
      await dialog.getByLabel("Reason").fill("no trade here");
      await dialog.getByRole("button", { name: what, exact: true }).click();
      await dialog.waitFor({ state: "hidden" });
    };
    await moderate("Kick");
    // Who was kicked may speak, and is heard.
    await desk.say("mallory", { text: "back again" });
    // Whoever looks at an old message is not taken away from it.
    await page.getByRole("button", { name: /newe/ }).click();
    await page.getByText("back again").waitFor();
    await moderate("Shadow ban");
    await desk.say("mallory", { text: "heard by nobody" });
    await desk.say("ada", { text: "the last" });
    await page.getByRole("button", { name: /newe/ }).click();
    await page.getByText("the last").waitFor();
    // Whoever moderates sees it; a user does not.
    const { token } = await ask<{ token: string }>(`${tenant.url}/v1/tokens`, {
      method: "POST",
      credential: tenant.key,
      body: { user: "eve", rooms: { yard: ["read"] } },
    });
    const seen = `${tenant.url}/v1/rooms/yard/messages?limit=2`;
    const { messages } = await ask<{ messages: { text: string }[] }>(seen, { credential: token });
    expect(messages.map(({ text }) => text)).not.toContain("heard by nobody");
    const bans = await desk.ask<{ items: object[] }>("GET", "/bans");
    expect(bans.items).toMatchObject([{ user: "mallory", ban: { shadow: true, reason: "no trade here" } }]);
    expect(console().complaints).toEqual([]);
  });

  test("[K33] files that are chosen are named, can be left out again, and stand in the message", async () => {
    const { page } = console();
    await new RoomDesk(tenant, "files").make();
    await console().show("/rooms/files", tenant.key);
    await live(page);
    const file = (name: string) => ({ name, mimeType: "text/plain", buffer: Buffer.from(`of ${name}`) });
    await page.locator('input[type="file"]').setInputFiles([file("one.txt"), file("two.txt")]);
    await page.getByRole("button", { name: "Remove one.txt" }).click();
    await page.getByLabel("Message", { exact: true }).fill("with a file");
    await page.getByRole("button", { name: "Send" }).click();
    await shows(page, ["with a file"]);
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save two.txt" }).click();
    expect((await saved).suggestedFilename()).toBe("two.txt");
    expect(await page.locator(".message .file").count()).toBe(1);
    expect(console().complaints).toEqual([]);
  });

  test("[K34] the debug console holds the last thousand frames and says so", async () => {
    const { page } = console();
    await console().show("/debug?room=big", tenant.key);
    await page.getByRole("button", { name: "Open", exact: true }).click();
    await page.getByRole("option", { name: /received.*welcome/ }).waitFor();
    // Each is answered: as many come as go.
    await page.getByLabel("Frame", { exact: true }).fill('{"type":"ping"}');
    await page.evaluate(`{
      const send = [...document.querySelectorAll("button")].find(({ textContent }) => textContent === "Send the frame");
      let left = 600;
      const some = () => {
        for (let count = 0; count < 20; count++) send.click();
        if ((left -= 20) > 0) setTimeout(some, 50);
      };
      some();
    }`);
    await page.getByText("1,000 shown. The last 1,000 are kept").waitFor({ timeout: 30_000 });
    // Of what stands in the list, only what is in sight is in the page.
    expect(await page.locator(".frame").count()).toBeLessThan(60);
    await page.locator(".frames").evaluate("(list) => { list.scrollTop = 0; }");
    expect(await page.locator(".frame", { hasText: "welcome" }).count()).toBe(0);
    expect(console().complaints).toEqual([]);
  });
}

/** Far back, screen by screen. Gives the most rows, and the most elements, that were in the page at once. */
const climb = `(async () => {
  const scroller = document.querySelector(".timeline-scroller");
  let rows = 0;
  let nodes = 0;
  while (!document.querySelector('[data-id="${farthest}"]')) {
    scroller.scrollTop = 0;
    await new Promise((resolve) => requestAnimationFrame(resolve));
    rows = Math.max(rows, document.querySelectorAll(".message").length);
    nodes = Math.max(nodes, document.querySelectorAll("*").length);
  }
  return { rows, nodes };
})()`;
