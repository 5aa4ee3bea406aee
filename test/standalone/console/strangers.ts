/** What strangers say of themselves and to each other, through every page of rooms. */
import { expect, test } from "vitest";
import { makeTenant, upload } from "../../chaos/tenant.ts";
import type { Console } from "../../support/console.ts";
import { RoomDesk } from "./roomDesk.ts";

const markup = `<img src=x onerror=alert(1)><script>alert(2)</script>`;
/** A user's id has no space and no slash. */
const user = `<svg\u00a0onload=alert(3)>`.replace("\u00a0", "") + `"><b>`;

export function strangersTests(console: () => Console): void {
  test("[K12] what strangers have said, called themselves, sent or were banned for is text on every page", async () => {
    const { server, page } = console();
    const tenant = await makeTenant(server, "strangers");
    const desk = await new RoomDesk(tenant, "hall").make({ search: true });
    const dialogs: string[] = [];
    page.on("dialog", (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await desk.ask("PUT", `/members/${encodeURIComponent(user)}`, { role: "member", name: markup });
    const file = await upload(tenant, "hall", user, {
      name: `${markup}.png`,
      said: "image/png",
      bytes: Buffer.from(markup),
    });
    const { id } = await desk.say(user, {
      text: markup,
      data: { [markup]: markup },
      attachments: [file],
      mentions: [user],
    });
    await desk.ask("PUT", `/messages/${id}/reactions/${encodeURIComponent("<b>!</b>")}`, undefined, user);
    await desk.ask("PUT", `/bans/${encodeURIComponent("mallory")}`, { reason: markup, shadow: true });
    const made = `document.querySelectorAll('#main img[src="x"], #main script, #main svg[onload], #main b').length`;

    const pages = [
      ["/rooms", "hall"],
      ["/rooms/hall", markup],
      ["/rooms/hall#members", markup],
      ["/rooms/hall#moderation", markup],
      ["/rooms/hall#settings", "Who may enter"],
      [`/rooms/${encodeURIComponent(markup)}`, markup],
    ] as const;
    for (const [path, text] of pages) {
      await console().show(path, tenant.key);
      await page.locator("#main").getByText(text).first().waitFor();
      expect([path, await page.evaluate(made)]).toEqual([path, 0]);
    }
    // The last of them is no room, and nothing is asked about it.
    expect(console().complaints).toEqual([]);
    await console().show("/debug?room=hall", tenant.key);
    await page.getByRole("button", { name: "Open", exact: true }).click();
    await page.locator(".frame", { hasText: "changes" }).first().click();
    await page.locator(".frame-whole", { hasText: "onerror" }).waitFor();
    expect(await page.evaluate(made)).toBe(0);
    expect([dialogs, console().complaints]).toEqual([[], []]);
    page.removeAllListeners("dialog");
  });
}
