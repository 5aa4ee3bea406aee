/** What tests of connections do in a room over HTTP. */
import { expect } from "vitest";
import { CreatedTicket, MessageAnswer, RoomInfo } from "../../src/protocol/http.ts";
import type { Message } from "../../src/protocol/message.ts";
import type * as z from "zod";
import { everything, type TestTenant } from "../support/api.ts";
import { roomy } from "../support/roomy.ts";
import { answered } from "./answers.ts";
import { call, newTenant, newToken } from "./edge.ts";

export const room = "general";

export interface Here {
  readonly tenant: TestTenant;
  /** Of the user `ada`, who may do everything. */
  readonly token: string;
}

/** A tenant of its own with these rooms, all empty. */
export async function newRooms(names: readonly string[], limits = {}, settings = {}): Promise<Here> {
  const tenant = await newTenant({ ...roomy, ...limits }, settings);
  const token = await newToken(tenant, "ada", { "*": everything });
  for (const name of names) await make(token, name);
  return { tenant, token };
}

export async function make(token: string, name = room): Promise<void> {
  await answered(await call(`/v1/rooms/${name}`, { method: "PUT", credential: token, body: {} }), 201, RoomInfo);
}

export async function unmake(token: string, name = room): Promise<void> {
  expect((await call(`/v1/rooms/${name}`, { method: "DELETE", credential: token })).status).toBe(204);
}

/** A text, or the whole body. */
export async function publish(token: string, content: string | object = "hello", name = room): Promise<Message> {
  const body = typeof content === "string" ? { text: content } : content;
  const made = await call(`/v1/rooms/${name}/messages`, { method: "POST", credential: token, body });
  const { message } = await answered(made, 201, MessageAnswer);
  if (message === null) throw new Error("unreachable");
  return message;
}

export async function infoOf(token: string, name = room): Promise<z.infer<typeof RoomInfo>> {
  return answered(await call(`/v1/rooms/${name}`, { credential: token }), 200, RoomInfo);
}

export async function nobodyIn(token: string, name = room): Promise<void> {
  await expect.poll(async () => (await infoOf(token, name)).online).toBe(0);
}

/** Of one room, or with `{}` of many. */
export async function ticketOf(
  credential: string,
  body: object = { room },
  user?: string,
): Promise<z.infer<typeof CreatedTicket>> {
  const options = { method: "POST", credential, body, ...(user === undefined ? {} : { user }) };
  return answered(await call("/v1/tickets", options), 201, CreatedTicket);
}
