/** A tenant of Parley made for a run: limits that the loads never reach, an API key for reading, tokens for the sockets. */
import * as z from "zod";
import type { Target } from "./jobs.ts";

/** 500 sockets in groups of 20 are 25 users; a few more cost nothing. */
const USERS = 30;
const ANSWER_WITHIN_MS = 15_000;
const TOKEN_SECONDS = 3600;

/** Far above every load here: what is measured is the work, not the refusal. */
const limits = {
  publishPerUserPerSecond: 10_000,
  publishPerUserBurst: 20_000,
  publishPerRoomPerSecond: 20_000,
  publishPerRoomBurst: 40_000,
  framesPerSocketPerSecond: 10_000,
  framesPerSocketBurst: 20_000,
  socketsPerUser: 1_000,
};

const Created = z.object({ key: z.object({ secret: z.string() }) });
const Minted = z.object({ token: z.string() });

export async function provision(base: string, operatorKey: string): Promise<Pick<Target, "tokens" | "pageHeaders">> {
  const created = Created.parse(await post(`${base}/v1/tenants`, operatorKey, { id: "bench", name: "Bench", limits }));
  const apiKey = created.key.secret;
  const tokens: string[] = [];
  for (let user = 1; user <= USERS; user += 1) {
    const body = { user: `u_${user}`, rooms: { "*": ["read", "publish"] }, expiresInSeconds: TOKEN_SECONDS };
    tokens.push(Minted.parse(await post(`${base}/v1/tokens`, apiKey, body)).token);
  }
  return { tokens, pageHeaders: { authorization: `Bearer ${apiKey}`, "parley-user": "u_1" } };
}

async function post(url: string, key: string, body: unknown): Promise<unknown> {
  const response = await fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  });
  if (!response.ok)
    throw new Error(`POST ${url} answered ${response.status}: ${(await response.text()).slice(0, 300)}`);
  return response.json();
}
