/** The console's pages of administration, as those walk through them who administer. */
import { expect, test } from "vitest";
import { ask, call } from "../../chaos/tenant.ts";
import { type Console, wide } from "../../support/console.ts";
import { startEndpoint } from "./endpoint.ts";

/** It would open a dialog wherever it were taken for markup. */
const markup = '<img src=x onerror="alert(1)">';
const id = "by-hand";
const pages = ["/settings", "/limits", "/webhooks", "/audit", "/usage", "/moderation"];
/** Of the tenant that the first of these tests makes. */
let key = "";

export function adminTests(console: () => Console): void {
  const post = (path: string, body: object, user = "ada"): Promise<Response> =>
    call(`${console().server.url}${path}`, { method: "POST", credential: key, user, body });

  test("[K16] [K24] [K28] by keyboard alone the operator makes a tenant, whose key is shown once and signs in", async () => {
    const { page } = console();
    await page.setViewportSize(wide);
    await console().show("/tenants", "operator");
    await page.getByRole("button", { name: "New tenant" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("textbox", { name: "Name" }).and(page.locator(":focus")).waitFor();
    await page.keyboard.type(markup);
    await page.keyboard.press("Tab");
    await page.keyboard.type(`${id}!`);
    await page.keyboard.press("Enter");
    await page.getByText("2 to 40 of a-z, 0-9 and -, not beginning with -.").waitFor();
    await page.getByRole("textbox", { name: "Id" }).and(page.locator(":focus")).waitFor();
    await page.keyboard.press("Backspace");
    await page.keyboard.press("Enter");
    key = await page.locator("[data-secret]").innerText();
    // It stands until somebody says that it may go.
    await page.keyboard.press("Escape");
    await page.mouse.click(5, 400);
    expect(await page.locator("[data-secret]").innerText()).toBe(key);
    await page.getByRole("button", { name: "Done" }).focus();
    await page.keyboard.press("Enter");
    await expect.poll(() => page.locator("[data-secret]").count()).toBe(0);
    await page.getByRole("link", { name: id }).waitFor();
    await console().show("/limits", key);
    await page.locator("header").getByText(id).waitFor();
  });

  test("[K24] each page says why it cannot be shown, and what is so where there is nothing yet", async ({
    onTestFinished,
  }) => {
    const { page, complaints } = console();
    const problem = {
      status: 500,
      code: "internal",
      title: "Something went wrong on our side.",
      detail: "As a test asked.",
    };
    const asked = /\/v1\/(tenant|limits|webhooks|audit|usage|flags)(\?|$)/;
    // Another key, and what is known is known no more.
    await console().show("/tenants", "operator");
    await page.getByRole("heading", { level: 1, name: "Tenants" }).waitFor();
    onTestFinished(() => page.unroute(asked));
    await page.route(asked, (route) =>
      route.fulfill({ status: 500, contentType: "application/problem+json", body: JSON.stringify(problem) }),
    );
    for (const path of pages) {
      // The page before says the same: what this one asks is still under way then, and is lost when nobody answers in the server's place.
      const refused = page.waitForResponse(asked);
      await console().show(path, key);
      await refused;
      await page.getByRole("alert").getByText("As a test asked.").waitFor();
    }
    await page.unroute(asked);
    expect(complaints.splice(0).filter((complaint) => !complaint.includes("status of 500"))).toEqual([]);
    const empty = {
      "/webhooks": "No webhooks yet",
      "/moderation": "Nothing is flagged",
      "/assistants": "No assistants yet",
    };
    for (const [path, text] of Object.entries(empty)) {
      await console().show(path, key);
      await page.getByText(text).waitFor();
    }
  });

  test("[K17] a limit is changed where it stands, within what is allowed, and is in force when it is shown", async () => {
    const { page } = console();
    await console().show(`/tenants/${id}`, "operator");
    await page.getByRole("textbox", { name: "Filter the limits" }).fill("textLength message's");
    await page.getByRole("button", { name: "Change textLength, now 16,384" }).click();
    const field = page.getByRole("textbox", { name: "textLength in UTF-16 units" });
    await field.fill("99999");
    await field.press("Enter");
    await page.getByText("Too big: expected number to be <=32768.").waitFor();
    await field.fill("5");
    await field.press("Enter");
    await page.getByRole("button", { name: "Change textLength, now 5" }).waitFor();
    expect((await post("/v1/rooms/here/messages", { text: "longer" })).status).toBe(413);
    expect((await post("/v1/rooms/here/messages", { text: "short" })).status).toBe(201);
    await page.getByRole("button", { name: "Change textLength, now 5" }).click();
    await page.getByRole("button", { name: "Take the default, 16,384" }).click();
    await field.press("Enter");
    await page.getByRole("button", { name: "Change textLength, now 16,384" }).waitFor();
  });

  test("[K18] [K19] a webhook is made, its delivery fails where one sees it, and arrives when it is retried", async (context) => {
    const { page, server } = console();
    const endpoint = await startEndpoint(context);
    await console().show("/webhooks", key);
    await page.getByRole("button", { name: "New webhook" }).click();
    const address = page.getByRole("textbox", { name: "Address" });
    await address.fill(server.url);
    await page.getByRole("textbox", { name: "Description" }).fill(markup);
    await page.getByRole("button", { name: "Create" }).click();
    // As the API says it: the schema knows nothing of where a server is.
    await page.getByText("Must lead to another server than this one.").waitFor();
    await page.locator(":focus").and(address).waitFor();
    await address.fill(endpoint.url);
    await page.getByRole("button", { name: "Create" }).click();
    expect(await page.locator("[data-secret]").innerText()).toMatch(/^whsec_/);
    await page.getByRole("link", { name: "Open the webhook" }).click();
    // The tenant tells of it itself, and at once.
    await call(`${server.url}/v1/bans/zed`, { method: "PUT", credential: key, body: { reason: markup } });
    await page.getByRole("button", { name: "moderation.banned" }).click();
    await page.getByText("it answered with an error: 500").waitFor();
    await page.getByRole("region", { name: "What is sent" }).getByText(JSON.stringify(markup).slice(1, -1)).waitFor();
    endpoint.mend();
    await page.getByRole("dialog").getByRole("button", { name: "Retry" }).click();
    await page.getByRole("dialog").getByText("It has arrived").waitFor();
    await page.keyboard.press("Escape");
    expect(endpoint.arrived()).toContain("moderation.banned");
    console()
      .complaints.splice(0)
      .forEach((complaint) => expect(complaint).toContain("status of 400"));
  });

  test("[K19] a form says what is not saved, and what it saves is in force", async () => {
    const { page } = console();
    await console().show("/settings?tab=words", key);
    await page.getByRole("textbox", { name: "Words" }).fill(`darn\n${"x".repeat(65)}`);
    await page.getByText("Not saved yet.").waitFor();
    const save = page.getByRole("button", { name: "Save" });
    await save.click();
    await page.getByText("Too big: expected string to have <=64 characters.").waitFor();
    await page.getByRole("textbox", { name: "Words" }).fill("darn");
    await page.getByRole("radio", { name: /is stored/ }).check();
    await save.click();
    await page.getByText("Saved. It is in force in every open room.").waitFor();
    // A room that sleeps hears of it within seconds.
    const said = async (): Promise<string> => {
      const posted = await post("/v1/rooms/here/messages", { text: "darn it" });
      return (await posted.json<{ message: { text: string } }>()).message.text;
    };
    await expect.poll(said, { timeout: 20_000, interval: 500 }).toBe("**** it");
  });

  test("[K22] [K23] what was flagged is deleted and its author banned, and nothing that people wrote is more than text", async () => {
    const { page, server } = console();
    await post("/v1/rooms/here/messages/2/flags", { reason: markup }, "bo");
    await console().show("/moderation", key);
    await page.getByRole("button", { name: "Ban ada" }).click();
    await page.getByRole("textbox", { name: "Reason" }).fill(markup);
    await page.getByRole("dialog").getByRole("button", { name: "Ban" }).click();
    await page.getByRole("button", { name: "Delete the message" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("Nothing is flagged").waitFor();
    const bans = await ask<{ items: object[] }>(`${server.url}/v1/bans`, { credential: key });
    expect(bans.items).toMatchObject([{ user: "ada", reason: markup, until: null }, { user: "zed" }]);
    await page.getByRole("tab", { name: "Bans" }).click();
    await page.getByText(markup).first().waitFor();
    await page.getByRole("button", { name: "Lift the ban of ada" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Lift" }).click();
    await expect.poll(() => page.getByRole("button", { name: "Lift the ban of ada" }).count()).toBe(0);

    await console().show("/assistants", key);
    await page.getByRole("button", { name: "New assistant" }).click();
    const secret = "sk-of-the-endpoint-0123456789";
    const filled = {
      Id: "helper",
      "Address of its model": `${server.url}/v1`,
      Model: "any",
      "Key of the endpoint": secret,
    };
    for (const [label, text] of Object.entries({ ...filled, "What it is told first": markup }))
      await page.getByLabel(label, { exact: true }).fill(text);
    await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
    await page.getByRole("button", { name: "Edit helper" }).click();
    expect(await page.getByLabel("What it is told first").inputValue()).toBe(markup);
    expect(await page.getByLabel("Key of the endpoint", { exact: true }).inputValue()).toBe("");
    expect(await page.content()).not.toContain(secret);
    await page.keyboard.press("Escape");
  });

  test("[K20] [K23] the audit log is proved in the browser, and an entry that was changed is named", async ({
    onTestFinished,
  }) => {
    const { page } = console();
    await console().show("/audit", key);
    await page
      .getByRole("button", { name: /^user.banned/ })
      .first()
      .click();
    await page.getByRole("region", { name: "After" }).getByText("onerror").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Verify the log" }).click();
    await page.getByText(/The chain is whole: \d+ entries/).waitFor();
    onTestFinished(() => page.unroute(/\/v1\/audit\?after=0/));
    // As a server would that has something to hide.
    await page.route(/\/v1\/audit\?after=0/, async (route) => {
      const response = await route.fetch();
      const log = (await response.text()).replace('"textLength":5', '"textLength":6');
      await route.fulfill({ response, body: log });
    });
    await page.getByRole("button", { name: "Verify the log" }).click();
    await page.getByText("The chain is broken at entry 2").waitFor();
  });

  test("[K21] a chart has its place before it is drawn, and beside it a table with every hour", async () => {
    const { page, server } = console();
    const used = async (): Promise<number> => {
      const usage = ask<{ items: { messages: number }[] }>(`${server.url}/v1/usage`, { credential: key });
      return (await usage).items.at(-1)?.messages ?? 0;
    };
    await expect.poll(used, { timeout: 30_000 }).toBeGreaterThan(0);
    await page.route(/\/v1\/usage/, async (route) => {
      expect(await page.locator(".plot-place").first().boundingBox()).toMatchObject({ height: 280 });
      await route.continue();
    });
    await console().show("/usage", key);
    await page.locator("canvas").first().waitFor();
    expect(await page.locator(".plot-place").first().boundingBox()).toMatchObject({ height: 280 });
    await page.getByRole("button", { name: "Show the messages table" }).click();
    const rows = page.getByRole("table", { name: "Messages by hour" }).getByRole("row");
    expect(await rows.count()).toBe(1 + 24);
    expect(Number(await rows.nth(1).getByRole("cell").nth(1).innerText())).toBeGreaterThan(0);
    await page.unroute(/\/v1\/usage/);
  });

  test("[K16] a tenant is suspended, and deleted only after its id was typed", async () => {
    const { page } = console();
    await console().show(`/tenants/${id}`, "operator");
    await page.getByRole("heading", { level: 1, name: markup }).waitFor();
    await page.getByRole("button", { name: "Suspend" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Suspend" }).click();
    await page.getByText("suspended", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Delete…" }).click();
    const remove = page.getByRole("dialog").getByRole("button", { name: "Delete for ever" });
    expect(await remove.isDisabled()).toBe(true);
    await page.getByRole("textbox", { name: `Type ${id} to go on` }).fill(id);
    await remove.click();
    await page.getByText("Its rooms, its files and itself are being erased").waitFor();
    expect(await page.locator("img[onerror]").count()).toBe(0);
    expect(
      console()
        .complaints.splice(0)
        .filter((complaint) => !complaint.includes("status of 404")),
    ).toEqual([]);
    // Whoever comes next begins with the tenant's pages.
    await console().show("/limits");
  });
}
