/** The public keys of identity providers (JWKS, RFC 7517), as this isolate last heard them. */
import { createLocalJWKSet, type JSONWebKeySet } from "jose";
import { askJson } from "../outbound/askJson.ts";
import { faults } from "../outbound/exchange.ts";
import type { Issuer } from "../protocol/issuer.ts";
import { fixedLimits } from "../protocol/limits.ts";
import { type Refusal, refuse } from "../protocol/refusals.ts";
import { Flights, type Keep } from "./flights.ts";

/** How keys are fetched for whoever asks for one. */
export interface Fetching {
  readonly isPrivateAllowed: boolean;
  readonly keep: Keep;
}

export interface KeyWish {
  readonly tenant: string;
  readonly issuer: Pick<Issuer, "id" | "jwksUrl">;
  readonly alg: string;
  /** A provider with one key need not name it. */
  readonly kid: string | undefined;
}

interface KeySet {
  /** Null while none was ever heard. */
  readonly find: ReturnType<typeof createLocalJWKSet> | null;
  readonly characters: number;
  readonly heardAtMs: number;
  /** The end of the last try, and what was wrong with it. */
  readonly triedAtMs: number;
  readonly fault: string | null;
}

type Found = { readonly ok: true; readonly key: CryptoKey };

const unheard: KeySet = { find: null, characters: 0, heardAtMs: -Infinity, triedAtMs: -Infinity, fault: null };

export class KeySets {
  readonly #sets = new Map<string, KeySet>();
  readonly #flights = new Flights<void>(2 * fixedLimits.outboundMsMax);

  /**
   * The key that a token names, of the type that its algorithm takes. `token_invalid` is said when the provider is known to have
   * none; while it cannot be asked, `overloaded`, because the token may be right.
   */
  async keyFor(wish: KeyWish, fetching: Fetching, nowMs: number): Promise<Found | Refusal> {
    const place = `${wish.tenant} ${wish.issuer.id} ${wish.issuer.jwksUrl}`;
    const later = clockFrom(nowMs);
    const known = this.#used(place);
    const key = await keyIn(known, wish, nowMs);
    const mayAsk =
      this.#flights.has(place, nowMs) || (nowMs >= nextTryAtMs(known) && this.#hasRoom(wish.tenant, nowMs));
    if (key !== null && isBelieved(known, nowMs)) {
      const isOld = nowMs - known.heardAtMs >= fixedLimits.jwksFreshMs;
      if (isOld && mayAsk) void this.#ask(place, wish, fetching, nowMs);
      return { ok: true, key };
    }
    if (mayAsk) await this.#ask(place, wish, fetching, nowMs);
    const heard = this.#used(place);
    const heardMs = later();
    const named = await keyIn(heard, wish, heardMs);
    if (named !== null) return { ok: true, key: named };
    const nextMs = nextTryAtMs(heard);
    if (nextMs <= heardMs) return away("too many are being asked for theirs", 1_000);
    return heard.find !== null && heard.fault === null
      ? refuse("token_invalid", "The header names no key of the identity provider that can be used.")
      : away(heard.fault ?? faults.slow, Math.max(1_000, nextMs - heardMs));
  }

  #used(place: string): KeySet {
    const set = this.#sets.get(place);
    if (set === undefined) return unheard;
    // A Map remembers the order of entry: what was used last goes to its end.
    this.#sets.delete(place);
    this.#sets.set(place, set);
    return set;
  }

  /** Of the whole isolate a few at a time, and of each tenant fewer: providers that hang must not keep others waiting. */
  #hasRoom(tenant: string, nowMs: number): boolean {
    const underWay = this.#flights.names(nowMs);
    const own = underWay.filter((name) => name.startsWith(`${tenant} `));
    return underWay.length < fixedLimits.jwksAtOnce && own.length < fixedLimits.jwksAtOncePerTenant;
  }

  async #ask(place: string, { issuer }: KeyWish, { isPrivateAllowed, keep }: Fetching, nowMs: number): Promise<void> {
    const work = async (): Promise<void> => {
      const known = this.#sets.get(place) ?? unheard;
      const later = clockFrom(nowMs);
      const answered = await askJson({ url: issuer.jwksUrl, isPrivateAllowed });
      const heard = answered.ok ? heardIn(answered.json, nowMs) : { fault: faults[answered.fault] };
      // From its end on: one that hangs is left alone for a while, and not asked again at once.
      this.#remember(place, { ...known, ...heard, triedAtMs: later() });
    };
    await this.#flights.join(place, work, keep, nowMs);
  }

  /** Those used last, up to what an isolate can spare. */
  #remember(place: string, set: KeySet): void {
    this.#sets.delete(place);
    this.#sets.set(place, set);
    let characters = [...this.#sets.values()].reduce((sum, kept) => sum + kept.characters, 0);
    for (const [oldest, kept] of this.#sets) {
      if (this.#sets.size <= fixedLimits.jwksKept && characters <= fixedLimits.jwksKeptCharacters) return;
      this.#sets.delete(oldest);
      characters -= kept.characters;
    }
  }
}

/** One for all that an isolate does: what one request has heard, the next need not ask for. */
export const keySets = new KeySets();

/** The time now, by the caller's clock. */
function clockFrom(nowMs: number): () => number {
  const startedMs = Date.now();
  return () => nowMs + Math.max(0, Date.now() - startedMs);
}

/**
 * Whether a known key is taken without waiting for a renewal: for a while after it is due, so that a busy tenant never waits; and
 * as long as the provider is away. One that was not used for long may have been withdrawn meanwhile.
 */
function isBelieved({ heardAtMs, fault }: KeySet, nowMs: number): boolean {
  return fault !== null || nowMs - heardAtMs < 2 * fixedLimits.jwksFreshMs;
}

/** Again at once would be a flood of questions, made by whoever sends tokens. Without any key the wait is shorter. */
function nextTryAtMs({ find, triedAtMs }: KeySet): number {
  return triedAtMs + (find === null ? fixedLimits.jwksRetryMs : fixedLimits.jwksCooldownMs);
}

/** What is no set of keys leaves what was known before. */
function heardIn(json: unknown, nowMs: number): Partial<KeySet> {
  try {
    // It throws for what is no set of keys, and takes any JSON.
    const find = createLocalJWKSet(json as JSONWebKeySet);
    return { find, characters: JSON.stringify(json).length, heardAtMs: nowMs, fault: null };
  } catch {
    return { fault: "its answer is no set of keys" };
  }
}

/** Null also for a key that is private, malformed, or one of several that fit: what others write must not become an error of ours. */
async function keyIn({ find, heardAtMs }: KeySet, { alg, kid }: KeyWish, nowMs: number): Promise<CryptoKey | null> {
  if (find === null || nowMs - heardAtMs >= fixedLimits.jwksHeldMs) return null;
  try {
    return await find({ alg, ...(kid === undefined ? {} : { kid }) });
  } catch {
    return null;
  }
}

function away(why: string, retryAfterMs: number): Refusal {
  return refuse("overloaded", `The keys of the identity provider are not known: ${why}.`, { retryAfterMs });
}
