/** What the console keeps, and what it never passes over in silence. */
import { expect, test } from "vitest";
import { ask, type LiveTenant, makeTenant } from "../../chaos/tenant.ts";
import type { Console } from "../../support/console.ts";
import { act, live, RoomDesk, shows } from "./roomDesk.ts";

export function keepingTests(console: () => Console): void {
  let tenant: LiveTenant;

  test("[K26] the rest of a list that cannot be loaded says why where it would stand, and is asked for again", async ({
    onTestFinished,
  }) => {
    const { page, server } = console();
    tenant = await makeTenant(server, "keeping");
    await new RoomDesk(tenant, "hall").make();
    const webhook = await ask<{ webhook: { id: string } }>(`${server.url}/v1/webhooks`, {
      method: "POST",
      credential: tenant.key,
      body: { url: "http://127.0.0.1:9/", events: ["*"] },
    });
    const lists = /\/v1\/(audit|tenants|revocations|flags|bans|rooms|webhooks\/[^/]+\/deliveries)(\?|$)/;
    let isWell = false;
    onTestFinished(() => page.unroute(lists));
    await page.route(lists, async (route) => {
      if (!route.request().url().includes("after=")) {
        const response = await route.fetch();
        return route.fulfill({ response, json: { ...(await response.json()), next: "more" } });
      }
      return isWell
        ? route.fulfill({ json: { items: [] } })
        : route.fulfill({ status: 500, json: { title: "No luck." } });
    });
    await console().show("/audit", tenant.key);
    const paths = ["/audit", "/settings?tab=revocations", "/moderation", "/moderation#bans", "/rooms"];
    for (const path of [...paths, `/webhooks/${webhook.webhook.id}`, "/tenants"]) {
      isWell = false;
      await console().show(path, path === "/tenants" ? "operator" : tenant.key);
      if (path.endsWith("bans")) await page.getByRole("tab", { name: "Bans" }).click();
      await page.getByRole("button", { name: "Show more" }).click();
      await page.getByRole("alert").getByText("No luck.").first().waitFor();
      isWell = true;
      await page.getByRole("button", { name: "Try again" }).click();
      for (const gone of [page.getByRole("alert"), page.getByRole("button", { name: "Show more" })])
        await gone.waitFor({ state: "detached" });
    }
    // Of requests that failed a browser tells by itself.
    expect(
      console()
        .complaints.splice(0)
        .filter((said) => !said.includes("status of 500")),
    ).toEqual([]);
  });

  test("[K27] a form takes over what was saved elsewhere, and saves no more than what was changed in it", async () => {
    const { page, server } = console();
    const settings = `${server.url}/v1/tenant`;
    const store = (body: object): Promise<unknown> => ask(settings, { method: "PATCH", credential: tenant.key, body });
    const focus = (): Promise<unknown> => page.evaluate('dispatchEvent(new Event("visibilitychange"))');
    await console().show("/settings?tab=general", tenant.key);
    const name = page.getByRole("textbox", { name: "Name" });
    await name.fill("named here");
    await store({ name: "named elsewhere", settings: { autoCreate: false } });
    await focus();
    await expect.poll(() => page.getByRole("switch", { name: /come to be/ }).isChecked()).toBe(false);
    expect(await name.inputValue()).toBe("named here");
    // Unseen by the page, which has asked already.
    await store({ settings: { search: true } });
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved. It is in force").first().waitFor();
    expect(await ask(settings, { credential: tenant.key })).toMatchObject({
      name: "named here",
      settings: { autoCreate: false, search: true },
    });
    await expect.poll(() => page.getByRole("switch", { name: /can be searched/ }).isChecked()).toBe(true);
    await page.getByText("Not saved yet.").waitFor({ state: "detached" });
    expect(console().complaints).toEqual([]);
  });

  test("[K36] the form of an assistant takes over what was saved elsewhere, and saves no more than what was changed in it", async ({
    onTestFinished,
  }) => {
    const { page, server } = console();
    const address = `${server.url}/v1/assistants/helper`;
    const stored = (): Promise<unknown> => ask(address, { credential: tenant.key });
    const store = (body: object): Promise<unknown> => ask(address, { method: "PUT", credential: tenant.key, body });
    const model = { url: "http://127.0.0.1:9/v1", model: "any" };
    await store({ ...model, name: "Helper", prompt: "Be kind.", key: "sk-kept" });
    await console().show("/assistants", tenant.key);
    // What is some seconds old is asked for again when somebody looks at the page.
    onTestFinished(async () => void (await page.reload()));
    await page.evaluate("globalThis.realNow = Date.now; globalThis.laterMs = 0; Date.now = () => realNow() + laterMs");
    const lookLater = (): Promise<unknown> =>
      page.evaluate('laterMs += 60_000; dispatchEvent(new Event("visibilitychange"))');
    await lookLater();
    await page.getByRole("button", { name: "Edit helper" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name", { exact: true }).fill("Named here");
    await store({ ...model, name: "Helper", prompt: "Be brief.", history: 7 });
    const prompt = dialog.getByLabel("What it is told first");
    await expect.poll(() => lookLater().then(() => prompt.inputValue())).toBe("Be brief.");
    // Unseen by the page, which has asked already.
    await store({ ...model, name: "Helper", prompt: "Be brief.", history: 7, answers: "always", maxTokens: 99 });
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    const mine = { name: "Named here", hasKey: true };
    expect(await stored()).toMatchObject({
      ...mine,
      prompt: "Be brief.",
      history: 7,
      answers: "always",
      maxTokens: 99,
    });
    expect(console().complaints).toEqual([]);
  });

  test("[K35] what was typed over a message is kept when its dialog is left, and given up by Cancel alone", async () => {
    const { page } = console();
    const desk = new RoomDesk(tenant, "drafts");
    await desk.make();
    await desk.say("ada", { text: "as it was" });
    await console().show("/rooms/drafts", tenant.key);
    await live(page);
    const dialog = page.getByRole("dialog");
    const text = dialog.getByLabel("Text", { exact: true });
    await act(page, 1, "Edit");
    await text.fill("half a thou");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("tab", { name: "Members" }).click();
    await page.getByRole("tab", { name: "Live" }).click();
    await live(page);
    await act(page, 1, "Edit");
    expect(await text.inputValue()).toBe("half a thou");
    await dialog.getByText("As you left it.").waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.waitFor({ state: "detached" });
    await act(page, 1, "Edit");
    expect(await text.inputValue()).toBe("as it was");
    await text.fill("a whole thought");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await act(page, 1, "Edit");
    await dialog.getByRole("button", { name: "Save" }).click();
    await shows(page, ["a whole thought"]);
    expect(console().complaints).toEqual([]);
  });

  test("[K25] nothing that was typed in a room is lost: what is refused comes back whole, or waits beside the box", async ({
    onTestFinished,
  }) => {
    const { page, server } = console();
    const desk = new RoomDesk(tenant, "hall");
    await desk.say("ada", { text: "the first" });
    const body = { settings: { words: { list: ["darn"], action: "block" } } };
    await ask(`${server.url}/v1/tenant`, { method: "PATCH", credential: tenant.key, body });
    await console().show("/rooms/hall", tenant.key);
    await live(page);
    const box = page.getByLabel("Message", { exact: true });
    const reply = page.getByText("Reply to #1: the first", { exact: true });
    await act(page, 1, "Reply");
    await box.fill("darn it");
    await box.press("Enter");
    await page.getByRole("alert", { name: "The content was rejected." }).waitFor();
    await expect.poll(() => box.inputValue()).toBe("darn it");
    await reply.waitFor();

    const uploads = /\/v1\/.*uploads/;
    const held = Promise.withResolvers<void>();
    onTestFinished(() => page.unroute(uploads));
    await page.route(uploads, async (route) => {
      await held.promise;
      await route.fulfill({ status: 403, json: { code: "forbidden", title: "No.", detail: "No files today." } });
    });
    await page
      .getByLabel("Files to attach")
      .setInputFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("a") });
    await box.fill("with a file");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await box.fill("typed meanwhile");
    held.resolve();
    const waiting = page.getByRole("group", { name: "Not sent" });
    await waiting.getByText("Reply to #1: with a file a.txt").waitFor();
    await page.getByRole("tab", { name: "Members" }).click();
    await page.getByRole("tab", { name: "Live" }).click();
    expect(await box.inputValue()).toBe("typed meanwhile");
    await live(page);
    await box.press("Enter");
    await page.unroute(uploads);
    await waiting.getByRole("button", { name: "Change it" }).click();
    await reply.waitFor();
    expect(await box.inputValue()).toBe("with a file");
    await box.press("Enter");
    await shows(page, ["the first", "typed meanwhile", "with a file"]);
    expect(await desk.message(3)).toMatchObject({ replyTo: 1, attachments: [{ name: "a.txt" }] });
    expect(
      console()
        .complaints.splice(0)
        .filter((said) => !/status of 4/.test(said)),
    ).toEqual([]);
  });

  test("[K19] an id that is missing, unfit or there twice is refused at its field, and nothing is sent", async ({
    onTestFinished,
  }) => {
    const { page } = console();
    const sent: string[] = [];
    const writes = /\/v1\/(bans|assistants|tokens)/;
    onTestFinished(() => page.unroute(writes));
    await page.route(writes, (route) => {
      if (route.request().method() !== "GET") sent.push(route.request().url());
      return route.fallback();
    });
    const dialog = page.getByRole("dialog");
    await console().show("/moderation", tenant.key);
    await page.getByRole("button", { name: "Ban a user…" }).click();
    await dialog.getByRole("button", { name: "Ban" }).click();
    await dialog.getByText("This has to be filled in.").waitFor();
    await dialog.getByRole("textbox", { name: "User" }).fill("a b");
    await dialog.getByRole("button", { name: "Ban" }).click();
    await dialog.getByText("1 to 128 printable characters without / or space.").waitFor();
    await console().show("/assistants", tenant.key);
    await page.getByRole("button", { name: "New assistant" }).click();
    await dialog.getByLabel("Model", { exact: true }).fill("any");
    await dialog.getByRole("button", { name: "Create" }).click();
    await dialog.getByText("This has to be filled in.").waitFor();
    await console().show("/tokens", tenant.key);
    await page.getByRole("button", { name: "More rooms" }).click();
    await page.getByLabel("Rooms", { exact: true }).last().fill(" general ");
    await page.getByRole("button", { name: "Make the token" }).click();
    await page.getByText("Another row names the same rooms").first().waitFor();
    expect(sent).toEqual([]);
    expect(console().complaints).toEqual([]);
  });

  test("[K26] an address that is none leads to a page that says so", async () => {
    const { page } = console();
    await console().show("/rooms/%", tenant.key);
    await page.getByText("No room can have this name.").waitFor();
    await page.goto(`${console().server.url}/console/rooms/%`);
    await page.getByText("No room can have this name.").waitFor();
    await page.getByRole("link", { name: "All rooms" }).click();
    await page.getByRole("heading", { level: 1, name: "Rooms" }).waitFor();
    expect(console().complaints).toEqual([]);
  });

  test("[K26] a message that is not loaded yet is looked for, and a search says where it is turned off", async () => {
    const { page, server } = console();
    const desk = await new RoomDesk(tenant, "long").make();
    for (let at = 0; at < 2; at++) {
      const messages = Array.from({ length: 100 }, (_, index) => ({ text: `line ${100 * at + index + 1}` }));
      await desk.ask("POST", "/messages:batch", { messages }, "ada");
    }
    await desk.say("bo", { text: "an answer", replyTo: 1 });
    await console().show("/rooms/long", tenant.key);
    await page.getByRole("button", { name: "Reply to #1", exact: true }).click();
    await page.locator('[data-id="1"]').and(page.locator(":focus")).waitFor();
    expect(await page.getByText("Looking for it").count()).toBe(0);

    const search = page.getByRole("button", { name: "Search", exact: true });
    await desk.ask("PATCH", "", { settings: { search: false } });
    await search.click();
    await page.getByText("It says so itself.").waitFor();
    await page.keyboard.press("Escape");
    const body = { settings: { search: false } };
    await ask(`${server.url}/v1/tenant`, { method: "PATCH", credential: tenant.key, body });
    await desk.ask("PATCH", "", { settings: { search: null } });
    await search.click();
    await page.getByText("turned off for all rooms").waitFor();
    await page.getByRole("link", { name: "this room’s settings" }).click();
    await page.getByLabel("Slow mode, seconds").waitFor();
    expect(console().complaints).toEqual([]);
  });

  test("[K29] what takes several requests ends with the key with which it began", async ({ onTestFinished }) => {
    const { page, server } = console();
    const desk = new RoomDesk(tenant, "hall");
    const { id } = await desk.say("ada", { text: "to be flagged" });
    await desk.ask("POST", `/messages/${id}/flags`, {}, "bo");
    await console().show("/moderation", tenant.key);
    await page.getByRole("button", { name: "Delete the message" }).click();
    const first = /\/v1\/rooms\/hall\/messages/;
    const held = Promise.withResolvers<void>();
    onTestFinished(() => page.unroute(first));
    await page.route(first, async (route) => {
      await held.promise;
      await route.continue();
    });
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await console().show("/limits", "tenant");
    await page.locator("header").getByText("demo", { exact: true }).waitFor();
    held.resolve();
    const flags = async (): Promise<unknown> => {
      const { items } = await ask<{ items: unknown[] }>(`${server.url}/v1/flags?state=resolved`, {
        credential: tenant.key,
      });
      return items;
    };
    await expect.poll(flags).toMatchObject([{ message: id }]);
    expect(console().complaints).toEqual([]);
  });
}
