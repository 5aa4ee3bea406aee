/** The policies of tenants, as this isolate last heard them. */
import { waitUntil } from "cloudflare:workers";
import { Flights } from "../auth/flights.ts";
import { directoryStub, tenantStub } from "../objects/stubs.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { ceilingOf, Policy } from "../protocol/policy.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import type { Bindings } from "../env.ts";

/** A revoked key or a suspended tenant is refused everywhere after this time. */
const freshMs = 5_000;
/** A key that is not listed makes the edge ask at once, but for the same key not more often than this. */
const unlistedMs = 1_000;
const heldMax = 10_000;
const strangersMax = 1_000;
/** More than an object takes to answer. */
const patienceMs = 10_000;

const AnyPolicy = Policy.nullable();

type Asked = { readonly ok: true; readonly policy: Policy | null };

interface Held {
  readonly policy: Policy | null;
  /** When it was asked for. */
  readonly atMs: number;
  /** Its turn among all questions and answers. */
  readonly turn: number;
}

const held = new Map<string, Held>();
let turns = 0;
const askedFor = new Map<string, number>();
/** When it was last found that there is no such tenant. */
const strangers = new Map<string, number>();
/** How often it was forgotten: what was asked before the last time is no answer for whoever asks after it. */
const forgotten = new Map<string, number>();
const flights = new Flights<Asked>(patienceMs);
let lookups = { sinceMs: -Infinity, count: 0 };

/**
 * The tenant's policy, or null for a tenant that does not exist. Only for a credential that was verified: its key cannot
 * be forged, so that one that is not listed was made a moment ago, or removed.
 */
export async function policyOf(env: Bindings, tenant: string, key: string, nowMs: number): Promise<Policy | null> {
  const known = held.get(tenant);
  if (known !== undefined && isFresh(nowMs, known.atMs, freshMs)) {
    const listed = known.policy !== null && ceilingOf(known.policy, key) !== null;
    if (listed || isFresh(nowMs, askedFor.get(`${tenant}.${key}`) ?? -Infinity, unlistedMs)) return known.policy;
  }
  // Whoever asks with the same key meanwhile gets the same answer.
  const flight = `${flightOf(tenant)} ${key}`;
  const asked = await flights.join(flight, () => hear(env, tenant, key, nowMs), waitUntil, nowMs);
  // As the platform says it (objects/failures.ts).
  if (asked === null) throw Object.assign(new Error("the tenant did not answer in time"), { overloaded: true });
  remember(askedFor, `${tenant}.${key}`, nowMs, heldMax);
  return asked.policy;
}

/** The next one who asks hears what the tenant decides now; that there is such a tenant stays known. */
export function forgetPolicy(tenant: string): void {
  const known = held.get(tenant);
  if (known !== undefined) held.set(tenant, { ...known, atMs: -Infinity });
  remember(forgotten, tenant, (forgotten.get(tenant) ?? 0) + 1, heldMax);
}

function flightOf(tenant: string): string {
  return `${tenant} ${forgotten.get(tenant) ?? 0}`;
}

/**
 * The same for a tenant that a token only claims to be for. Whoever invents tokens must not make us ask without end: about a
 * tenant once a second, and about names of which nothing is known so many a second in all. These are looked up in the
 * directory first, because an object that is asked comes to be, on one machine as a file.
 */
export async function claimedPolicyOf(
  env: Bindings,
  { tenant, issuer }: { readonly tenant: string; readonly issuer: string },
  nowMs: number,
): Promise<Asked | Refusal> {
  const known = held.get(tenant);
  const policy = known?.policy ?? null;
  const question = `${tenant} issuers`;
  const flight = flightOf(tenant);
  if (policy !== null && isFresh(nowMs, known?.atMs ?? -Infinity, freshMs)) {
    const isListed = policy.issuers.some((listed) => listed.issuer === issuer);
    const isAsked = isFresh(nowMs, askedFor.get(question) ?? -Infinity, unlistedMs);
    // Whoever comes while it is being asked waits for that answer.
    if (isListed || (isAsked && !flights.has(flight, nowMs))) return { ok: true, policy };
    remember(askedFor, question, nowMs, heldMax);
  }
  if (policy === null && isFresh(nowMs, strangers.get(tenant) ?? -Infinity, freshMs)) return { ok: true, policy: null };
  if (policy === null && !flights.has(flight, nowMs) && !mayLookUp(nowMs))
    return refuse("overloaded", "Too many tokens are for tenants that are not known here.", { retryAfterMs: 1_000 });
  const asked = await flights.join(flight, () => lookUp(env, tenant, policy !== null, nowMs), waitUntil, nowMs);
  return asked ?? refuse("overloaded", "The tenant did not answer in time.", { retryAfterMs: 1_000 });
}

async function lookUp(env: Bindings, tenant: string, isKnown: boolean, nowMs: number): Promise<Asked> {
  if (isKnown || (await directoryStub(env).has(tenant))) return hear(env, tenant, null, nowMs);
  remember(strangers, tenant, nowMs, strangersMax);
  return { ok: true, policy: null };
}

async function hear(env: Bindings, tenant: string, key: string | null, nowMs: number): Promise<Asked> {
  const asked = flightOf(tenant);
  const turn = ++turns;
  const policy = AnyPolicy.parse(await tenantStub(env, tenant).policy(key));
  const known = held.get(tenant);
  if (known !== undefined && isOutdated(policy, turn, known)) return { ok: true, policy: known.policy };
  const isForgotten = asked !== flightOf(tenant);
  remember(held, tenant, { policy, atMs: isForgotten ? -Infinity : nowMs, turn: ++turns }, heldMax);
  return { ok: true, policy };
}

/** Of questions that overlap, the older answer may come later. One that was asked after an answer is newer whatever it says: a tenant may be restored. */
function isOutdated(policy: Policy | null, askedTurn: number, known: Held): boolean {
  return askedTurn < known.turn && (policy?.version ?? 0) < (known.policy?.version ?? 0);
}

function mayLookUp(nowMs: number): boolean {
  if (!isFresh(nowMs, lookups.sinceMs, 1_000)) lookups = { sinceMs: nowMs, count: 0 };
  lookups.count++;
  return lookups.count <= fixedLimits.strangersPerSecond;
}

function isFresh(nowMs: number, atMs: number, forMs: number): boolean {
  const ageMs = nowMs - atMs;
  return ageMs >= 0 && ageMs < forMs;
}

/** Keeps the newest. */
function remember<Value>(entries: Map<string, Value>, name: string, value: Value, max: number): void {
  entries.delete(name);
  entries.set(name, value);
  const oldest = entries.keys().next();
  if (entries.size > max && !oldest.done) entries.delete(oldest.value);
}
