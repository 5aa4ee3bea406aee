/** Every page of the console, for the walk in console.test.ts. Whoever adds a page adds it here. */
import type { Locator, Page } from "playwright-core";
import { call, type LiveTenant } from "../../chaos/tenant.ts";
import type { Console, Credential } from "../../support/console.ts";
import type { Server } from "../../support/process.ts";
import { RoomDesk } from "./roomDesk.ts";

export interface ConsolePage {
  /** What stands after `/console`. */
  readonly path: string;
  /** Of its screenshots, where its path is another page's, too. */
  readonly name?: string;
  /** The tenant's where nothing is said. */
  readonly as?: Credential;
  /** What is there when the page has loaded. */
  readonly shown: (page: Page) => Locator;
  /** Makes what it shows. */
  readonly furnish?: (console: Console) => Promise<unknown>;
  /** Opens what is not open at first: a dialog, a tab. */
  readonly open?: (page: Page) => Promise<unknown>;
}

const demoOf = ({ url, demoKey: key }: Server): LiveTenant => ({ url, key });

/** With something of everything. */
async function furnishRoom(tenant: LiveTenant): Promise<void> {
  const desk = await new RoomDesk(tenant, "general").make({ search: true });
  const { id } = await desk.say("ada", { text: "Good morning. The deploy went through at nine." });
  await desk.say("bo", { text: "Доброе утро! صباح الخير", replyTo: id, data: { p99: 12.4 }, mentions: ["ada"] });
  await desk.ask("PUT", `/messages/${id}/reactions/${encodeURIComponent("👍")}`, undefined, "bo");
  await desk.ask("PUT", `/messages/${id}/pin`);
  await desk.say("mina", { text: "A model thinks", streaming: true });
  await desk.say("bo", { text: "This one goes by itself", expiresInMs: 3_600_000 });
  await desk.ask("PUT", "/members/ada", { role: "owner", name: "Ada Lovelace" });
  await desk.ask("PUT", "/mutes/mallory", { reason: "too loud" });
  await desk.ask("POST", `/messages/${id}/flags`, { reason: "It was ten past nine." }, "bo");
}

/** What a tenant has beside its rooms. Nobody listens where the webhook goes. */
async function furnishTenant({ url, key: credential }: LiveTenant): Promise<void> {
  const make = async (path: string, method: string, body: object): Promise<void> => {
    const { ok, status } = await call(`${url}/v1${path}`, { method, credential, body });
    if (!ok) throw new Error(`${method} ${path}: ${status}`);
  };
  await make("/webhooks", "POST", {
    url: "http://127.0.0.1:9/events",
    events: ["message.*", "moderation.*"],
    description: "The archive",
  });
  await make("/bans/mallory", "PUT", { reason: "Sold watches in every room.", until: Date.now() + 86_400_000 });
  await make("/assistants/helper", "PUT", {
    url: "https://models.example.com/v1",
    model: "small",
    key: "sk-of-the-endpoint-0123456789",
    prompt: "Answer briefly.",
  });
}

const heading =
  (name: string) =>
  (page: Page): Locator =>
    page.getByRole("heading", { level: 1, name, exact: true });

export const pages: readonly ConsolePage[] = [
  {
    path: "/",
    furnish: async ({ server }) => {
      await furnishTenant(demoOf(server));
      await furnishRoom(demoOf(server));
    },
    shown: (page) => page.getByRole("region", { name: "Rooms with most people" }),
  },
  { path: "/keys", shown: (page) => page.getByRole("region", { name: "API keys" }) },
  {
    path: "/keys",
    name: "tenant-new-key",
    shown: heading("API keys"),
    open: async (page) => {
      await page.getByRole("button", { name: "New key" }).click();
      await page.getByRole("dialog").getByRole("checkbox").first().waitFor();
    },
  },
  {
    path: "/tokens",
    shown: heading("Token maker"),
    open: async (page) => {
      await page.getByRole("button", { name: "Make the token" }).click();
      await page.getByRole("tab").first().waitFor();
    },
  },
  { path: "/nowhere", shown: heading("No such page") },
  { path: "/tenants", name: "not-for-a-tenant", shown: heading("This page takes another key") },
  { path: "/rooms", shown: heading("Rooms") },
  { path: "/rooms/general", shown: (page) => page.getByText("live, WebSocket") },
  { path: "/rooms/general#settings", shown: (page) => page.getByLabel("Slow mode, seconds") },
  { path: "/rooms/general#members", shown: (page) => page.getByRole("combobox", { name: "Role of ada" }) },
  { path: "/rooms/general#moderation", shown: (page) => page.getByRole("cell", { name: "too loud" }) },
  {
    path: "/debug?room=general",
    shown: heading("Debug"),
    open: async (page) => {
      await page.getByRole("button", { name: "Open", exact: true }).click();
      await page.locator(".frame", { hasText: "welcome" }).click();
      await page.locator(".frame-whole").waitFor();
    },
  },
  { path: "/settings", shown: (page) => page.getByRole("textbox", { name: "Name" }) },
  { path: "/settings?tab=retention", shown: (page) => page.getByRole("button", { name: "Save" }) },
  { path: "/settings?tab=words", shown: (page) => page.getByRole("textbox", { name: "Words" }) },
  { path: "/settings?tab=hook", shown: (page) => page.getByRole("button", { name: "Save" }) },
  { path: "/settings?tab=identity", shown: (page) => page.getByRole("tabpanel").getByRole("heading").first() },
  { path: "/settings?tab=revocations", shown: (page) => page.getByRole("tabpanel").getByRole("heading").first() },
  { path: "/limits", shown: heading("Limits") },
  { path: "/webhooks", shown: (page) => page.getByRole("link", { name: "http://127.0.0.1:9/events" }) },
  {
    path: "/webhooks",
    name: "tenant-webhook",
    shown: (page) => page.getByRole("link", { name: "http://127.0.0.1:9/events" }),
    open: async (page) => {
      await page.getByRole("link", { name: "http://127.0.0.1:9/events" }).click();
      await page.getByRole("button", { name: "moderation.banned" }).waitFor();
    },
  },
  { path: "/audit", shown: heading("Audit log") },
  { path: "/usage", shown: heading("Usage") },
  { path: "/moderation", shown: (page) => page.getByRole("button", { name: "Delete the message" }) },
  {
    path: "/moderation",
    name: "tenant-bans",
    shown: heading("Moderation"),
    open: async (page) => {
      await page.getByRole("tab", { name: "Bans" }).click();
      await page.getByText("Sold watches").waitFor();
    },
  },
  { path: "/assistants", shown: (page) => page.getByRole("button", { name: "Edit helper" }) },
  // The operator's last: another key is another session.
  { path: "/tenants", as: "operator", shown: heading("Tenants") },
  { path: "/tenants/demo", as: "operator", shown: heading("Demo") },
  {
    path: "/tenants",
    as: "operator",
    name: "sign-in",
    shown: heading("Tenants"),
    open: async (page) => {
      await page.getByRole("button", { name: "Sign out" }).locator("visible=true").click();
      await page.getByLabel("API key or operator key").waitFor();
    },
  },
];
