/** The debug console. */
import { expect, test } from "vitest";
import { makeTenant } from "../../chaos/tenant.ts";
import type { Console } from "../../support/console.ts";
import { RoomDesk } from "./roomDesk.ts";

export function wireTests(console: () => Console): void {
  test("[K15] the debug console shows every frame of a connection both ways, sends any, and says what its end means", async () => {
    const { server, page } = console();
    const tenant = await makeTenant(server, "wire");
    const desk = await new RoomDesk(tenant, "hall").make();
    await console().show("/debug?room=hall", tenant.key);
    const frame = (type: string, direction: string) =>
      page.getByRole("option", { name: new RegExp(`${direction}.*${type}`) }).first();
    const send = async (text: string): Promise<void> => {
      await page.getByLabel("Frame", { exact: true }).fill(text);
      await page.getByRole("button", { name: "Send the frame" }).click();
    };
    await page.getByRole("button", { name: "Open", exact: true }).click();
    await frame("changes", "received").waitFor();
    await page.getByRole("combobox", { name: "Example of a frame" }).click();
    await page.getByRole("option", { name: "publish", exact: true }).click();
    await page.getByRole("button", { name: "Send the frame" }).click();
    await frame("ack", "received").click();
    await expect.poll(() => page.locator(".frame-whole").innerText()).toMatch(/"type": "ack",\s+"ref": "1"/);
    expect(await desk.message(1)).toMatchObject({ text: "Hello from the debug console", sender: { id: "console" } });
    await send('{"type":"nonsense"}');
    await frame("error", "received").waitFor();
    await send('{"type":"token","ref":"t","token":"…"}');
    await frame("token", "received").waitFor();
    expect(await page.locator("#main").innerText()).not.toMatch(/eyJ/);

    await page.getByRole("button", { name: "Pause" }).click();
    await desk.say("ada", { text: "while it was held still" });
    await page.getByText("More have come meanwhile.").waitFor();
    await page.getByRole("button", { name: "Go on" }).click();
    await desk.ask("POST", "/kicks", { user: "console", reason: "enough" });
    await page
      .getByText(/Closed with 4\d\d\d/)
      .first()
      .waitFor();
    expect(await page.getByRole("status").filter({ hasText: "Closed with" }).innerText()).toMatch(
      /\(\w+.*\): .*(ome back)/,
    );

    await page.getByText("EventSource").click();
    await page.getByRole("button", { name: "Clear" }).click();
    await page.getByRole("button", { name: "Open", exact: true }).click();
    await frame("welcome", "received").waitFor();
    expect(await page.getByRole("button", { name: "Send the frame" }).isDisabled()).toBe(true);
    await page.getByRole("button", { name: "Close", exact: true }).click();
    await page.getByText("Closed as wished.").first().waitFor();
    expect(console().complaints).toEqual([]);
  });
}
