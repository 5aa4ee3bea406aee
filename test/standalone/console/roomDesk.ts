/** A tenant's room, as tests of its pages make it and look at it. */
import type { Page } from "playwright-core";
import { expect } from "vitest";
import type { RoomInfo } from "../../../src/protocol/http.ts";
import type { Message } from "../../../src/protocol/message.ts";
import type * as z from "zod";
import { call, type LiveTenant } from "../../chaos/tenant.ts";

export class RoomDesk {
  readonly tenant: LiveTenant;
  readonly name: string;

  constructor(tenant: LiveTenant, name: string) {
    this.tenant = tenant;
    this.name = name;
  }

  /** Of the API, beneath the room. Throws what is refused. */
  async ask<Answer>(method: string, path = "", body?: unknown, user?: string): Promise<Answer> {
    const { url, key: credential } = this.tenant;
    const as = user === undefined ? {} : { user };
    const address = `${url}/v1/rooms/${this.name}${path}`;
    const response = await call(address, { method, credential, ...as, ...(body === undefined ? {} : { body }) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${address}: ${response.status} ${text}`);
    return JSON.parse(text === "" ? "null" : text);
  }

  async make(settings: object = {}): Promise<this> {
    await this.ask("PUT", "", { settings });
    return this;
  }

  async say(user: string, body: object): Promise<Message> {
    return (await this.ask<{ message: Message }>("POST", "/messages", body, user)).message;
  }

  info(): Promise<z.infer<typeof RoomInfo>> {
    return this.ask("GET");
  }

  message(id: number): Promise<Message> {
    return this.ask<{ message: Message }>("GET", `/messages/${id}`).then(({ message }) => message);
  }
}

/** What the messages in the page say, from the first to the last. */
export function textsIn(page: Page): Promise<string[]> {
  return page.locator(".message .message-text").allInnerTexts();
}

export async function live(page: Page): Promise<void> {
  await page.getByText("live, WebSocket").waitFor();
}

/** Until the page shows exactly these. */
export async function shows(page: Page, texts: readonly string[]): Promise<void> {
  await expect.poll(() => textsIn(page)).toEqual(texts);
}

/** Another window of the same browser. Closed, nothing of it remains. */
export async function openWindow(page: Page, { url, key }: LiveTenant, path: string): Promise<Page> {
  const other = await page.context().browser()?.newPage({ reducedMotion: "reduce" });
  if (other === undefined) throw new Error("the browser is gone");
  await other.goto(`${url}/console${path}#key=${key}`);
  return other;
}

export async function act(page: Page, id: number, name: string): Promise<void> {
  await page.getByRole("button", { name: `Actions for message ${id}`, exact: true }).click();
  await page.getByRole("menuitem", { name, exact: true }).click();
}
