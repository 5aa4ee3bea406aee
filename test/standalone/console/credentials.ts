/** What a tenant gives away: API keys and tokens. */
import { expect, test } from "vitest";
import { call } from "../../chaos/tenant.ts";
import { type Console, wide } from "../../support/console.ts";

export function credentialTests(console: () => Console): void {
  test("[K6] a key is made with what was chosen, shown once, and ends when it is revoked", async () => {
    const { page, server } = console();
    await page.setViewportSize(wide);
    await console().show("/keys");
    await page.getByRole("button", { name: "New key" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("chat <img src=x onerror=alert(1)>");
    await dialog.getByRole("button", { name: "None" }).click();
    await dialog.getByRole("button", { name: "Make the key" }).click();
    await dialog.getByText("Choose at least one.").waitFor();
    await dialog.getByRole("checkbox", { name: "publish" }).check();
    await dialog.getByRole("button", { name: "Make the key" }).click();
    const secret = (await dialog.locator("[data-secret]").textContent()) ?? "";
    expect(secret).toMatch(/^parley_demo_/);
    const tried = (credential: string): Promise<number> =>
      call(`${server.url}/v1/limits`, { credential }).then(({ status }) => status);
    expect(await tried(secret)).toBe(200);
    await dialog.getByRole("button", { name: "Done" }).click();
    await dialog.waitFor({ state: "hidden" });
    expect(await page.content()).not.toContain(secret);

    const row = page.getByRole("row").filter({ hasText: "chat <img" });
    await row.getByText("publish", { exact: true }).waitFor();
    await row.getByRole("button", { name: /^Revoke/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await row.waitFor({ state: "detached" });
    const listed = await call(`${server.url}/v1/keys`, { credential: server.demoKey });
    expect(await listed.text()).not.toContain(secret.split("_")[2]);
    expect(console().complaints).toEqual([]);
  });

  test("[K7] a token is made for whom and where it was said, and the code beside it works", async () => {
    const { page, server } = console();
    await console().show("/tokens");
    await page.getByLabel("User").fill("grace");
    await page.getByLabel("Rooms", { exact: true }).fill("team:*");
    await page.getByRole("button", { name: "Make the token" }).click();
    const claims: { sub: string; rooms: unknown } = JSON.parse(
      (await page.getByRole("region", { name: "Claims" }).textContent()) ?? "",
    );
    const chat = ["read", "publish", "react", "edit:own", "delete:own", "presence", "upload"];
    expect([claims.sub, claims.rooms]).toEqual(["grace", { "team:*": chat }]);
    const token = (await page.locator("[data-secret]").textContent()) ?? "";
    const address = `${server.url}/v1/rooms/team:general/messages`;
    await page.getByRole("tab", { name: "curl" }).click();
    const curl = (await page.getByRole("region", { name: "the curl code" }).textContent()) ?? "";
    expect(curl).toContain(`curl ${address} `);
    expect(curl).toContain(`Bearer ${token}`);
    const sent = await call(address, { method: "POST", credential: token, body: { text: "Hello, room!" } });
    expect(sent.status).toBe(201);
    expect(console().complaints).toEqual([]);
  });
}
