/** A room as it happens, before two windows. */
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { type LiveTenant, makeTenant, upload } from "../../chaos/tenant.ts";
import type { Console } from "../../support/console.ts";
import { act, live, openWindow, RoomDesk, shows } from "./roomDesk.ts";

/** One pixel. */
const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

export function roomLifeTests(console: () => Console): void {
  let tenant: LiveTenant;

  test("[K10] two windows show what happens in a room as it happens, whoever does it", async () => {
    const { server, page } = console();
    tenant = await makeTenant(server, "live");
    const desk = await new RoomDesk(tenant, "hall").make();
    const first = await desk.say("ada", { text: "the first" });
    await console().show("/rooms/hall", tenant.key);
    const other = await openWindow(page, tenant, "/rooms/hall");
    await Promise.all([live(page), live(other)]);
    const both = (texts: readonly string[]): Promise<unknown> => Promise.all([shows(page, texts), shows(other, texts)]);

    await page.getByLabel("Message", { exact: true }).fill("from the console");
    await page.getByRole("button", { name: "Send" }).click();
    await both(["the first", "from the console"]);
    await desk.say("bo", { text: "an answer", replyTo: first.id, data: { mood: "calm" } });
    await other.getByRole("button", { name: "Reply to #1 by ada: the first" }).waitFor();
    await desk.ask("PUT", `/messages/${first.id}/reactions/${encodeURIComponent("👍")}`, undefined, "bo");
    await other.getByRole("button", { name: "👍 1" }).click();
    await page.getByRole("button", { name: "👍 2" }).waitFor();
    await act(page, first.id, "Edit");
    await page.getByLabel("Text", { exact: true }).fill("the first, edited");
    await page.getByRole("button", { name: "Save" }).click();
    await both(["the first, edited", "from the console", "an answer"]);
    await act(page, first.id, "Pin");
    await other.getByText("pinned").waitFor();
    await showsFile(desk, other);

    await other.getByRole("button", { name: /choose another user/ }).click();
    await other.getByLabel("Be in the room as").fill("bo");
    await other.getByRole("button", { name: "Be this user" }).click();
    await page.getByText("Here now: 2").waitFor();
    await page.getByText("bo came").waitFor();
    await live(other);
    await other.getByLabel("Message", { exact: true }).fill("as");
    await page.getByText("bo is writing").waitFor();

    await page.getByRole("button", { name: "Stream a demo message" }).click();
    await other.getByText("streaming", { exact: true }).waitFor();
    await other.getByRole("button", { name: "Stop" }).click();
    await page.getByText("cancelled", { exact: true }).waitFor();
    // Whoever writes what is stopped learns it by an answer of 409.
    expect(console().complaints.filter((text) => !text.includes("409"))).toEqual([]);
    await other.close();
  });

  test("[K10] of many messages the page holds a hundred and twenty, and what is read stays where it is", async () => {
    const { page } = console();
    const desk = await new RoomDesk(tenant, "archive").make();
    const total = 600;
    for (let at = 0; at < total; at += 100) {
      const messages = Array.from({ length: 100 }, (_, index) => ({ text: `line ${at + index + 1}` }));
      await desk.ask("POST", "/messages:batch", { messages }, "ada");
    }
    await console().show("/rooms/archive", tenant.key);
    await page.getByText(`line ${total}`, { exact: true }).waitFor();
    const most = await page.evaluate(climb);
    expect(most).toBeLessThanOrEqual(120);
    const first = page.getByText("line 1", { exact: true });
    await first.waitFor();
    const before = await first.boundingBox();
    await desk.say("ada", { text: "news" });
    await page.getByRole("button", { name: "newer" }).waitFor();
    expect(await first.boundingBox()).toEqual(before);
    await page.getByRole("button", { name: "newer" }).click();
    await page.getByText("news", { exact: true }).waitFor();
    expect(await page.locator(".message").count()).toBeLessThanOrEqual(120);
  });

  test("[K11] a message is published, edited, pinned and deleted by the keyboard alone", async () => {
    const { page } = console();
    const desk = await new RoomDesk(tenant, "keys").make();
    await console().show("/rooms/keys", tenant.key);
    await live(page);
    await tabTo(page, "Message");
    await page.keyboard.type("typed");
    await page.keyboard.press("Enter");
    await shows(page, ["typed"]);
    const choose = async (item: string): Promise<void> => {
      await tabTo(page, "Actions for message 1", "Shift+Tab");
      await page.keyboard.press("Enter");
      await page.getByRole("menuitem", { name: item }).waitFor();
      const isThere = async (): Promise<boolean> => {
        if ((await focused(page)) === item) return true;
        await page.keyboard.press("ArrowDown");
        return false;
      };
      await expect.poll(isThere, { interval: 10 }).toBe(true);
      await page.keyboard.press("Enter");
    };
    await choose("Edit");
    await page.getByLabel("Text", { exact: true }).and(page.locator(":focus")).waitFor();
    await page.keyboard.press("End");
    await page.keyboard.type(" again");
    await tabTo(page, "Save");
    await page.keyboard.press("Enter");
    await shows(page, ["typed again"]);
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    await choose("Pin");
    await page.getByText("pinned", { exact: true }).waitFor();
    await choose("Delete");
    await page.getByRole("dialog").waitFor();
    await tabTo(page, "Delete");
    await page.keyboard.press("Enter");
    await page.getByText("deleted just now").waitFor();
    expect(await desk.message(1)).toMatchObject({ text: null, deletedAt: expect.any(Number) });
  });
}

async function showsFile(desk: RoomDesk, page: Page): Promise<void> {
  const file = await upload(desk.tenant, desk.name, "bo", { name: "a pixel.png", said: "image/png", bytes: png });
  await desk.say("bo", { attachments: [file] });
  await page.getByRole("img", { name: "a pixel.png" }).waitFor();
  await expect.poll(() => page.evaluate(`document.querySelector('img[alt="a pixel.png"]').naturalWidth`)).toBe(1);
}

/** To the beginning of the room, screen by screen. Gives the most rows that were in the page at once. */
const climb = `(async () => {
  const scroller = document.querySelector(".timeline-scroller");
  let most = 0;
  while (!scroller.textContent.includes("The room begins here") || !document.querySelector('[data-id="1"]')) {
    scroller.scrollTop = 0;
    await new Promise((resolve) => requestAnimationFrame(resolve));
    most = Math.max(most, document.querySelectorAll(".message").length);
  }
  return most;
})()`;

function focused(page: Page): Promise<string> {
  return page.evaluate(`(() => {
    const { activeElement } = document;
    return activeElement.getAttribute("aria-label") ?? activeElement.textContent.trim();
  })()`);
}

async function tabTo(page: Page, name: string, key = "Tab"): Promise<void> {
  for (let press = 0; press < 60; press++) {
    if ((await focused(page)) === name) return;
    await page.keyboard.press(key);
  }
  throw new Error(`${name} is not reached by ${key}`);
}
