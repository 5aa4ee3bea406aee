/** Who is signed in to the console, how, and for how long. */
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { ask, call, makeTenant } from "../../chaos/tenant.ts";
import { type Console, wide } from "../../support/console.ts";

export function sessionTests(console: () => Console): void {
  test("[K3] a key is taken from the address and kept by the tab alone; a wrong one is refused in the API's words", async () => {
    const { page, server } = console();
    await console().leave();
    await page.goto(`${server.url}/console/`);
    await page.getByRole("heading", { name: "Parley console" }).waitFor();
    const field = page.getByLabel("API key or operator key");
    const refusedWith = async (key: string): Promise<string> => {
      await field.fill(key);
      await field.press("Enter");
      const answer = await call(`${server.url}/v1/tenant`, { credential: key });
      const { detail } = (await answer.json()) as { detail: string };
      await page.getByText(detail).waitFor();
      return detail;
    };
    await refusedWith(`${server.demoKey.slice(0, -2)}AA`);
    const { token } = await newToken(console());
    expect(await refusedWith(token)).toBe("This takes an API key, not a token.");
    // Refused by the server, as it should be, which the browser notes.
    console().complaints.splice(0);

    await field.fill(` ${server.operatorKey} `);
    await field.press("Enter");
    await heading(page, "Tenants").waitFor();
    await page.getByRole("button", { name: "Sign out" }).first().click();
    await page.getByLabel("API key or operator key").waitFor();
    expect(await kept(page)).toEqual([0, 0]);

    await console().show("/keys");
    await heading(page, "API keys").waitFor();
    expect(page.url()).toBe(`${server.url}/console/keys`);
    expect(await kept(page)).toEqual([1, 0]);
    await page.reload();
    await heading(page, "API keys").waitFor();
    expect(console().complaints).toEqual([]);
  });

  test("[K4] a key that ends brings back the sign-in with the API's words, and a good one the page that one was on", async () => {
    const { page, server } = console();
    const { key } = await newKey(console(), ["admin"]);
    // A page that asks for nothing by itself: the sign-in would come before the link is followed.
    await console().show("/tokens", key.secret);
    await heading(page, "Token maker").waitFor();
    const revoked = await call(`${server.url}/v1/keys/${key.id}`, { method: "DELETE", credential: server.demoKey });
    expect(revoked.ok).toBe(true);
    await expect
      .poll(async () => (await call(`${server.url}/v1/tenant`, { credential: key.secret })).status, { timeout: 30_000 })
      .toBe(401);
    await page.getByRole("link", { name: "API keys" }).click();
    await page.getByText("You were signed out").waitFor();
    expect(await kept(page)).toEqual([0, 0]);
    await page.getByLabel("API key or operator key").fill(server.demoKey);
    await page.keyboard.press("Enter");
    await page.getByRole("region", { name: "API keys" }).waitFor();
    expect(page.url()).toBe(`${server.url}/console/keys`);
    expect(
      console()
        .complaints.splice(0)
        .every((text) => text.includes("401")),
    ).toBe(true);
    console().keyInUse = server.demoKey;
  });

  test("[K30] a link signs in a tab where nobody is, and says to whom; where somebody is it asks first, and a no changes nothing", async () => {
    const { page, server } = console();
    const other = await makeTenant(server, "foreign");
    await page.setViewportSize(wide);
    await console().leave();
    await console().show("/tokens");
    await page.getByText("A link has signed you in to the tenant demo.").waitFor();
    await page.getByLabel("User").fill("half written");

    const dialog = page.getByRole("dialog", { name: "Sign in with another key?" });
    const link = async (key: string): Promise<void> => {
      await page.evaluate(`location.hash = "#key=${key}"`);
      await dialog.waitFor();
      expect(new URL(page.url()).hash).toBe("");
    };
    await link(other.key);
    expect(await dialog.innerText()).toMatch(/signed in to demo with .* This link signs you in to foreign with /);
    expect(await page.getByRole("button", { name: "Keep" }).and(page.locator(":focus")).count()).toBe(1);
    expect(await console().barriers()).toEqual([]);
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "hidden" });
    await link(other.key);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    expect(await page.getByLabel("User").inputValue()).toBe("half written");
    // As a link in a letter, which loads the page anew.
    await page.goto("about:blank");
    await page.goto(`${server.url}/console/keys#key=${other.key}`);
    await dialog.waitFor();
    expect(page.url()).toBe(`${server.url}/console/keys`);
    await page.reload();
    await page.locator("header").getByText("demo", { exact: true }).waitFor();
    expect(await dialog.count()).toBe(0);

    await link(`${other.key.slice(0, -2)}AA`);
    await dialog.getByRole("button", { name: "Switch" }).click();
    await dialog.getByText("The token or API key is not valid.").first().waitFor();
    expect(
      console()
        .complaints.splice(0)
        .every((text) => text.includes("401")),
    ).toBe(true);
    await page.keyboard.press("Escape");
    await link(other.key);
    await dialog.getByRole("button", { name: "Switch" }).click();
    await page.locator("header").getByText("foreign", { exact: true }).waitFor();
    expect(await kept(page)).toEqual([1, 0]);
    console().keyInUse = other.key;
    expect(console().complaints).toEqual([]);
  });

  test("[K5] with a key that may less, each page says what is missing, and the menu leads on", async () => {
    const { page } = console();
    const { key } = await newKey(console(), ["read", "publish"]);
    await console().show("/", key.secret);
    await page.setViewportSize(wide);
    await page.getByText("This needs the capability admin").waitFor();
    await page.getByRole("link", { name: "API keys" }).click();
    await heading(page, "API keys").waitFor();
    await page.getByText("This needs the capability admin").waitFor();
    await page.getByRole("link", { name: "Token maker" }).click();
    await page.getByRole("button", { name: "Make the token" }).click();
    await page.getByText(/This key does not have react/).waitFor();
    expect(
      console()
        .complaints.splice(0)
        .every((text) => text.includes("403")),
    ).toBe(true);
    await console().show("/tenants", "tenant");
    await heading(page, "This page takes another key").waitFor();
  });
}

/** How many keys there are in the tab's storage, and in the one that outlives it. */
async function kept(page: Page): Promise<unknown> {
  return page.evaluate(
    `[sessionStorage, localStorage].map((storage) => Object.values({ ...storage }).filter((value) => /parley_|operator/.test(value) && !value.startsWith("{")).length)`,
  );
}

function heading(page: Page, name: string) {
  return page.getByRole("heading", { level: 1, name, exact: true });
}

async function newKey({ server }: Console, capabilities: string[]): Promise<{ key: { id: string; secret: string } }> {
  return ask(`${server.url}/v1/keys`, { method: "POST", credential: server.demoKey, body: { capabilities } });
}

async function newToken({ server }: Console): Promise<{ token: string }> {
  const body = { user: "ada", rooms: { general: ["read"] } };
  return ask(`${server.url}/v1/tokens`, { method: "POST", credential: server.demoKey, body });
}
