/** What an application's server asks for, once: of every kind of object, and with what is to be answered with a success. */
import { ask, call, type LiveTenant, upload } from "./tenant.ts";

type Step = readonly [method: string, path: string, body?: unknown];

/** How many requests it made, and each answer that was no success: `GET /v1/…: 500 …`. `room` is a new one. */
export async function walk(tenant: LiveTenant, room: string): Promise<{ asked: number; faults: string[] }> {
  const { url, key: credential } = tenant;
  const of = `/v1/rooms/${room}`;
  const first = { method: "POST", credential, user: "ada", body: { text: "the first" } };
  const { message } = await ask<{ message: { id: number } }>(`${url}${of}/messages`, first);
  const steps = [...writing(of, message.id), ...reading(of, message.id), ...administering(room)];
  const faults: string[] = [];
  for (const [method, path, body] of steps) {
    const response = await call(url + path, { method, credential, user: "ada", body });
    const said = await response.text();
    if (!response.ok) faults.push(`${method} ${path}: ${response.status} ${said}`);
  }
  await bringFile(tenant, room).catch((error: unknown) => faults.push(String(error)));
  return { asked: steps.length + 4, faults };
}

function writing(room: string, id: number): Step[] {
  return [
    ["PATCH", room, { settings: { keepRevisions: true } }],
    ["POST", `${room}/messages:batch`, { messages: [{ text: "the second" }, { text: "a reply", replyTo: id }] }],
    ["PATCH", `${room}/messages/${id}`, { text: "the very first" }],
    ["PUT", `${room}/messages/${id}/reactions/%F0%9F%91%8D`],
    ["PUT", `${room}/messages/${id}/pin`],
    ["POST", `${room}/messages/${id}/flags`, { reason: "rude" }],
    ["PUT", `${room}/members/bo`, { role: "moderator", name: "Bo" }],
    ["PUT", `${room}/read`, { upTo: id }],
    ["PUT", `${room}/mutes/cy`, { reason: "loud" }],
    ["PUT", `${room}/bans/dee`, { reason: "spam" }],
    ["POST", `${room}/kicks`, { user: "cy", reason: "loud" }],
    ["PATCH", room, { settings: { frozen: true } }],
    ["PATCH", room, { settings: { frozen: false } }],
  ];
}

function reading(room: string, id: number): Step[] {
  const ofRoom = ["", "/messages", "/changes", "/members", "/read", "/presence", "/pins", "/bans", "/export"];
  const ofMessage = ["", "/revisions", "/reactions"];
  return [
    ...ofRoom.map((part): Step => ["GET", room + part]),
    ...ofMessage.map((part): Step => ["GET", `${room}/messages/${id}${part}`]),
    ["GET", `/v1/unread?rooms=${room.split("/").at(-1)}`],
    ["GET", "/v1/limits"],
    ["DELETE", `${room}/messages/${id}`],
  ];
}

function administering(room: string): Step[] {
  const listed = ["tenant", "rooms", "keys", "issuers", "audit", "usage", "metrics", "webhooks", "assistants", "bans"];
  return [
    ["POST", "/v1/broadcasts", { rooms: [room], message: { text: "all" } }],
    ["POST", "/v1/tickets", { room }],
    ["POST", "/v1/revocations", { user: `nobody-${room}`, reason: "left" }],
    ["PUT", `/v1/bans/nobody-${room}`, { reason: "spam" }],
    ["PATCH", "/v1/tenant", { settings: { search: true } }],
    ...[...listed, "flags", "revocations"].map((part): Step => ["GET", `/v1/${part}`]),
    ["GET", "/v1/users/ada/export"],
  ];
}

async function bringFile(tenant: LiveTenant, room: string): Promise<void> {
  const file = { name: "hello.txt", said: "text/plain", bytes: Buffer.from("hello") };
  const id = await upload(tenant, room, "ada", file);
  await ask(`${tenant.url}/v1/uploads/${id}`, { credential: tenant.key, user: "ada" });
}
