import { expect, test, vi } from "vitest";
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { call, everything, newTenant, newToken } from "../support/api.ts";
import { evict, query, roomObject } from "../support/room.ts";
import { connect } from "../support/socket.ts";
import { roomy } from "../support/roomy.ts";

const sleep = (ms: number) => new Promise((r) => setTimeout(r, ms));
test.each(["one", "three", "message-first"])("[L1] scratch close after evict %s", async (how) => {
  vi.useFakeTimers({ now: Date.now() + 86_400_000, toFake: ["Date"] });
  const tenant = await newTenant(roomy);
  const all = { "*": everything };
  const open = async (user: string) => connect("general", { token: await newToken(tenant, user, all), presence: "full" });
  const bo = await open("bo");
  const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
  pass(1000);
  const ada = await open("ada");
  pass(1000);
  const cy = await open("cy");
  pass(1000);
  const di = await open("di");
  pass(1000);
  await sleep(300);
  await evict(tenant, "general");
  await sleep(300);
  const d = Object.getOwnPropertyDescriptor(WebSocket.prototype, "readyState")!;
  const seen: unknown[] = [];
  Object.defineProperty(WebSocket.prototype, "readyState", { configurable: true, get() { const v = d.get!.call(this); seen.push(v); return v; } });
  if (how === "message-first") { bo.send({ type: "presence.get", ref: "x" }); await bo.answer("x"); pass(1000); }
  ada.close(); 
  if (how !== "one") {cy.close(1000); di.close(4000);}
  await sleep(300);
  Object.defineProperty(WebSocket.prototype, "readyState", d);
  pass(1000);
  console.log(JSON.stringify(seen), JSON.stringify(await query(tenant, "general", "select * from leaver")), JSON.stringify(await query(tenant, "general", "select * from job")));
  pass(10_000);
  console.log(await runDurableObjectAlarm(roomObject(tenant, "general")));
  await sleep(300);
  pass(1000);
  console.log(JSON.stringify(bo.of("presence").slice(-2)));
  const res = await call("/v1/rooms/general/presence", { credential: tenant.key });
  console.log(await res.text());
  vi.useRealTimers();
});
