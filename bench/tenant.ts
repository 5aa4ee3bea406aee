/** A tenant of Parley made for a run: limits that the loads never reach, an API key for reading, tokens for the sockets. */
import * as z from "zod";
import { inGroups } from "./socket.ts";
import type { Target } from "./target.ts";

/** 500 sockets in groups of 20 are 25 users; a few more cost nothing. */
const USERS = Array.from({ length: 30 }, (_, index) => `u_${index + 1}`);
const ASKED_AT_ONCE = 10;
const ANSWER_WITHIN_MS = 15_000;
const TOKEN_SECONDS = 3600;

/** Far above every load here: what is measured is the work, not the refusal. */
const runLimits = {
  publishPerUserPerSecond: 10_000,
  publishPerUserBurst: 20_000,
  publishPerRoomPerSecond: 20_000,
  publishPerRoomBurst: 40_000,
  publishPerTenantPerSecond: 1_000_000,
  publishPerTenantBurst: 2_000_000,
  framesPerSocketPerSecond: 10_000,
  framesPerSocketBurst: 20_000,
  socketsPerUser: 1_000,
  connectionsPerUser: 100_000,
  /** A list, not a sample, of the users of the trial `presence`. */
  presenceMembers: 5_000,
};

const Created = z.object({ key: z.object({ secret: z.string() }) });
const Minted = z.object({ token: z.string() });

/** `limits` are over those of every run. */
export async function provision(
  base: string,
  operatorKey: string,
  limits: Readonly<Record<string, number>> = {},
): Promise<Pick<Target, "tokens" | "pageHeaders">> {
  const tenant = { id: "bench", name: "Bench", limits: { ...runLimits, ...limits } };
  const created = Created.parse(await post(`${base}/v1/tenants`, operatorKey, tenant));
  const apiKey = created.key.secret;
  const pageHeaders = { authorization: `Bearer ${apiKey}`, "parley-user": "u_1" };
  return { tokens: await mint(base, apiKey, { users: USERS, capabilities: ["read", "publish"] }), pageHeaders };
}

/** A target with a token for each of these users, who see who is there. (The first of them makes the room, which takes `publish`.) */
export async function forObservers(target: Target, users: readonly string[]): Promise<Target> {
  return {
    ...target,
    tokens: await mint(target.base, apiKeyOf(target), { users, capabilities: ["read", "publish", "presence"] }),
  };
}

export function apiKeyOf({ pageHeaders }: Target): string {
  return pageHeaders["authorization"]?.slice("Bearer ".length) ?? "";
}

async function mint(
  base: string,
  apiKey: string,
  { users, capabilities }: { users: readonly string[]; capabilities: readonly string[] },
): Promise<string[]> {
  const tokens: string[] = [];
  await inGroups(users.length, ASKED_AT_ONCE, async (index) => {
    const body = { user: users[index], rooms: { "*": capabilities }, expiresInSeconds: TOKEN_SECONDS };
    tokens[index] = Minted.parse(await post(`${base}/v1/tokens`, apiKey, body)).token;
  });
  return tokens;
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
