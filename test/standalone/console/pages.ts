/** Every page of the console, for the walk in console.test.ts. Whoever adds a page adds it here. */
import type { Locator, Page } from "playwright-core";
import type { LiveTenant } from "../../chaos/tenant.ts";
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
}

const heading =
  (name: string) =>
  (page: Page): Locator =>
    page.getByRole("heading", { level: 1, name, exact: true });

export const pages: readonly ConsolePage[] = [
  {
    path: "/",
    furnish: ({ server }) => furnishRoom(demoOf(server)),
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
  { path: "/settings", shown: heading("Settings") },
  { path: "/limits", shown: heading("Limits") },
  { path: "/webhooks", shown: heading("Webhooks") },
  { path: "/audit", shown: heading("Audit log") },
  { path: "/usage", shown: heading("Usage") },
  { path: "/moderation", shown: heading("Moderation") },
  { path: "/assistants", shown: heading("Assistants") },
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
