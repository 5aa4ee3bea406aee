/** What is set for a room, and who is what in it. */
import { expect, test } from "vitest";
import { makeTenant } from "../../chaos/tenant.ts";
import type { Console } from "../../support/console.ts";
import { live, RoomDesk } from "./roomDesk.ts";

export function roomFormsTests(console: () => Console): void {
  test("[K14] a room's settings, members, bans and mutes are shown and changed, within the bounds of the protocol", async () => {
    const { server, page } = console();
    const tenant = await makeTenant(server, "forms");
    const desk = await new RoomDesk(tenant, "hall").make({ retentionDays: 30 });
    const save = page.getByRole("button", { name: "Save" });
    await console().show("/rooms/hall", tenant.key);
    await page.getByRole("tab", { name: "Settings" }).click();
    await page.getByLabel("Keep messages, days").fill("36501");
    await save.click();
    await page.getByText("A whole number from 0 to 36500.").waitFor();
    await page.getByLabel("Keep messages, days").fill("");
    await page.getByLabel("Slow mode, seconds").fill("1.5");
    await page.getByRole("switch", { name: "Frozen" }).click();
    await save.click();
    await page.getByText("The settings are saved.").first().waitFor();
    const { settings } = await desk.info();
    expect(settings).toMatchObject({ retentionDays: null, slowModeMs: 1_500, frozen: true, access: "open" });

    await page.getByRole("tab", { name: "Members" }).click();
    await page.getByLabel("User", { exact: true }).fill("ada");
    await page.getByRole("button", { name: "Add" }).click();
    await page.getByRole("combobox", { name: "Role of ada" }).click();
    await page.getByRole("option", { name: "moderator" }).click();
    const roles = async (): Promise<unknown> => {
      const { items } = await desk.ask<{ items: { user: string; role: string | null }[] }>("GET", "/members");
      return items.map(({ user, role }) => [user, role]);
    };
    await expect.poll(roles).toEqual([["ada", "moderator"]]);
    await page.getByRole("button", { name: "Remove ada" }).click();
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await page.getByText("No members").waitFor();
    expect(await roles()).toEqual([["ada", null]]);

    await page.getByRole("tab", { name: "Moderation" }).click();
    await page.getByLabel("User", { exact: true }).fill("mall?ory#%41");
    await page.getByRole("button", { name: "Moderate" }).click();
    await page.getByLabel("Mute").check();
    await page.getByLabel("Reason").fill("too loud");
    await page.getByRole("button", { name: "Mute" }).click();
    await page.getByRole("cell", { name: "too loud" }).waitFor();
    await page.getByRole("button", { name: "Lift the mute of mall?ory#%41" }).click();
    await page.getByText("Nobody is banned or muted here").waitFor();

    await page.getByRole("tab", { name: "Live" }).click();
    await live(page);
    await page.getByText("The room is frozen").waitFor();
    expect(console().complaints).toEqual([]);
  });
}
