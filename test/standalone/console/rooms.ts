/** The list of rooms. */
import { expect, test } from "vitest";
import type { RoomInfo } from "../../../src/protocol/http.ts";
import type * as z from "zod";
import { ask, type LiveTenant, makeTenant } from "../../chaos/tenant.ts";
import type { Console } from "../../support/console.ts";
import { live } from "./roomDesk.ts";

export function roomsTests(console: () => Console): void {
  test("[K9] rooms are made with settings, listed page by page with how lively they are, and found by how their names begin", async () => {
    const { server, page } = console();
    const tenant = await makeTenant(server, "lists");
    await console().show("/rooms", tenant.key);
    await page.getByText("No rooms yet").waitFor();
    expect(await page.locator("pre").innerText()).toContain(`curl ${server.url}/v1/rooms/general/messages`);

    // They come to be while the dialog is filled in.
    const made = Promise.all(Array.from({ length: 50 }, (_, index) => make(tenant, `support:${index}`)));
    await page.getByRole("button", { name: "New room" }).click();
    const dialog = page.getByRole("dialog", { name: "New room" });
    await dialog.getByLabel("Name").fill("team/blue");
    await dialog.getByRole("button", { name: "Create the room" }).click();
    await dialog.getByText("beginning with a letter or digit").waitFor();
    await dialog.getByLabel("Name").fill("team:blue");
    await dialog.getByRole("button", { name: "Settings" }).click();
    await dialog.getByLabel("Slow mode, seconds").fill("21601");
    await dialog.getByRole("button", { name: "Create the room" }).click();
    await dialog.getByText("A number from 0 to 21600.").waitFor();
    await dialog.getByLabel("Slow mode, seconds").fill("2.5");
    await dialog.getByRole("button", { name: "Create the room" }).click();
    await page.getByRole("heading", { level: 1, name: "team:blue" }).waitFor();
    // A browser complains of a socket that is left before it is open.
    await live(page);
    expect((await roomOf(tenant, "team:blue")).settings).toMatchObject({ slowModeMs: 2_500, access: "open" });

    await made;
    await console().show("/rooms", tenant.key);
    const rows = page.getByRole("table").getByRole("row");
    // One of them is the heading.
    await expect.poll(() => rows.count()).toBe(51);
    await page.getByRole("button", { name: "Show more" }).click();
    await expect.poll(() => rows.count()).toBe(52);
    await page.getByLabel("Names that begin with").fill("team:");
    await expect.poll(() => rows.count()).toBe(2);
    await page.getByLabel("Names that begin with").fill("nothing");
    await page.getByText("No room begins with “nothing”").waitFor();
    expect(console().complaints).toEqual([]);
  });
}

function make({ url, key: credential }: LiveTenant, room: string): Promise<unknown> {
  return ask(`${url}/v1/rooms/${room}`, { method: "PUT", credential, body: {} });
}

function roomOf({ url, key: credential }: LiveTenant, room: string): Promise<z.infer<typeof RoomInfo>> {
  return ask(`${url}/v1/rooms/${room}`, { credential });
}
