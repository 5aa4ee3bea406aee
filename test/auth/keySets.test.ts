import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { KeySets, type KeyWish } from "../../src/auth/keySets.ts";
import { fixedLimits } from "../../src/protocol/limits.ts";
import { newProviderKey, type ProviderKey } from "../support/provider.ts";

const { jwksCooldownMs, jwksFreshMs, jwksHeldMs, jwksRetryMs, jwksAtOnce, jwksAtOncePerTenant } = fixedLimits;

let first: ProviderKey;
let second: ProviderKey;
let sets: KeySets;
/** What the provider's address answers, and how often it was asked. */
let answer: () => Response | Promise<Response>;
let asked: string[];
/** Work that goes on when its request is answered. */
let kept: Promise<unknown>[];
let nowMs: number;

beforeAll(async () => {
  [first, second] = await Promise.all([newProviderKey("k1", "ES256"), newProviderKey("k2", "ES256")]);
});
beforeEach(() => {
  sets = new KeySets();
  nowMs = 1_800_000_000_000;
  // What a question takes is counted by the clock.
  vi.useFakeTimers({ now: nowMs, toFake: ["Date"] });
  asked = [];
  kept = [];
  answer = () => Response.json({ keys: [first.jwk] });
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url);
    return answer();
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function wish(kid: string | undefined = "k1", tenant = "acme", id = "iaaaaaaaaaaaa"): KeyWish {
  return { tenant, issuer: { id, jwksUrl: `https://${tenant}.example.com/${id}` }, alg: "ES256", kid };
}

/** `found`, or the code of the refusal, with when to come again. */
async function look(asking = wish(), from = sets): Promise<string> {
  const fetching = { isPrivateAllowed: false, keep: (work: Promise<unknown>) => void kept.push(work) };
  const found = await from.keyFor(asking, fetching, nowMs);
  return found.ok ? "found" : `${found.error} ${found.retryAfterMs ?? ""}`.trim();
}

describe("keys of a provider that answers", () => {
  test("[A14] they are asked for once, and kept", async () => {
    for (let count = 0; count < 20; count++) expect(await look()).toBe("found");
    nowMs += jwksFreshMs - 1;
    expect(await look()).toBe("found");
    expect(asked).toHaveLength(1);
  });

  test("[A14] a thousand requests at once ask once", async () => {
    const all = await Promise.all(Array.from({ length: 1_000 }, () => look()));
    expect([new Set(all), asked.length]).toEqual([new Set(["found"]), 1]);
  });

  test("[A14] a key that is not known is asked for at most once in 30 seconds, whoever invents names", async () => {
    expect(await look()).toBe("found");
    for (let elapsedMs = 0; elapsedMs < 10 * jwksCooldownMs; elapsedMs += 500) {
      nowMs += 500;
      expect(await look(wish(`invented-${elapsedMs}`))).toBe("token_invalid");
      expect(await look()).toBe("found");
    }
    expect(asked).toHaveLength(1 + 10);
  });

  test("[A16] a provider's new key works at once when it was not asked in the last 30 seconds, and the old one until it is gone", async () => {
    expect(await look()).toBe("found");
    answer = () => Response.json({ keys: [first.jwk, second.jwk] });
    nowMs += jwksCooldownMs;
    expect([await look(wish("k2")), await look(wish("k1"))]).toEqual(["found", "found"]);
    answer = () => Response.json({ keys: [second.jwk] });
    nowMs += jwksCooldownMs;
    // Whatever makes it ask again.
    expect(await look(wish("k3"))).toBe("token_invalid");
    expect([await look(wish("k2")), await look(wish("k1"))]).toEqual(["found", "token_invalid"]);
  });

  test("[A14] after ten minutes the keys are renewed, and nobody waits for that", async () => {
    expect(await look()).toBe("found");
    nowMs += jwksFreshMs;
    const { promise, resolve } = Promise.withResolvers<Response>();
    answer = () => promise;
    expect(await look()).toBe("found");
    expect(await look()).toBe("found");
    expect(asked).toHaveLength(2);
    resolve(Response.json({ keys: [second.jwk] }));
    await Promise.all(kept);
    expect([await look(), await look(wish("k2"))]).toEqual(["token_invalid", "found"]);
  });

  test("[A14] keys that nobody used for twenty minutes are renewed before one is believed: it may have been withdrawn", async () => {
    expect(await look()).toBe("found");
    answer = () => Response.json({ keys: [second.jwk] });
    nowMs += 2 * jwksFreshMs;
    expect([await look(), await look(wish("k2")), asked.length]).toEqual(["token_invalid", "found", 2]);
  });
});

describe("a provider that is away", () => {
  const down = (): Response => {
    throw new TypeError("connection refused");
  };
  const huge = (): Response => Response.json({ keys: [first.jwk], pad: "x".repeat(1_000_000) });
  const faults: readonly (readonly [string, () => Response])[] = [
    ["that is down", down],
    ["that redirects", () => new Response(null, { status: 302, headers: { Location: "https://a.example/jwks" } })],
    ["that has an error", () => Response.json({ keys: [first.jwk] }, { status: 500 })],
    ["that has nothing there", () => Response.json({ keys: [first.jwk] }, { status: 404 })],
    ["that answers a page", () => new Response("<html>", { headers: { "Content-Type": "text/html" } })],
    ["that calls its keys text", () => new Response(JSON.stringify({ keys: [first.jwk] }))],
    ["that answers nothing", () => new Response("", { headers: { "Content-Type": "application/json" } })],
    ["that answers half", () => new Response('{"keys":[', { headers: { "Content-Type": "application/json" } })],
    ["that answers no object", () => Response.json([first.jwk])],
    ["that answers no list of keys", () => Response.json({ keys: first.jwk })],
    ["that answers keys that are none", () => Response.json({ keys: ["k1", null, 7] })],
    ["that answers a megabyte", huge],
  ];

  test.each(faults)(
    "[A14] %s: nobody is told that the token is wrong, and when to come again is true",
    async (_, fault) => {
      answer = fault;
      expect(await look()).toBe(`overloaded ${jwksRetryMs}`);
      nowMs += jwksRetryMs - 1;
      expect(await look()).toBe("overloaded 1000");
      expect(asked).toHaveLength(1);
      answer = () => Response.json({ keys: [first.jwk] });
      nowMs += 1;
      expect(await look()).toBe("found");
    },
  );

  test.each(faults)("[A14] %s: its keys go on for a day, and come back with it", async (_, fault) => {
    expect(await look()).toBe("found");
    const sinceMs = nowMs;
    answer = fault;
    for (const elapsedMs of [jwksCooldownMs, jwksFreshMs, 3_600_000, jwksHeldMs - 1]) {
      nowMs = sinceMs + elapsedMs;
      expect(await look()).toBe("found");
      await Promise.all(kept);
    }
    nowMs = sinceMs + jwksHeldMs + jwksCooldownMs;
    expect(await look()).toBe(`overloaded ${jwksCooldownMs}`);
    answer = () => Response.json({ keys: [first.jwk] });
    nowMs += jwksCooldownMs;
    expect(await look()).toBe("found");
  });

  test("[A14] a new key is not called wrong while the provider cannot be asked for it", async () => {
    expect(await look()).toBe("found");
    answer = down;
    nowMs += jwksCooldownMs;
    expect(await look(wish("k2"))).toBe(`overloaded ${jwksCooldownMs}`);
    expect([await look(), asked.length]).toEqual(["found", 2]);
  });

  test("[A14] one that hangs is left alone from the end of its question on, and not asked without a pause", async () => {
    answer = () => {
      vi.setSystemTime(Date.now() + 5_000);
      return down();
    };
    expect(await look()).toBe(`overloaded ${jwksRetryMs}`);
    nowMs += 5_000 + jwksRetryMs - 1;
    expect([await look(), asked.length]).toEqual(["overloaded 1000", 1]);
    nowMs += 1;
    expect([await look(), asked.length]).toEqual([`overloaded ${jwksRetryMs}`, 2]);
  });

  test("[A14] a provider without keys has none", async () => {
    answer = () => Response.json({ keys: [] });
    expect(await look()).toBe("token_invalid");
  });

  test("[A14] providers that hang take no more than their share, and let those that answer through", async () => {
    const { promise, resolve } = Promise.withResolvers<Response>();
    const hang = (): Promise<Response> => promise.then((response) => response.clone());
    answer = hang;
    const hanging: Promise<string>[] = [];
    for (let count = 0; count < jwksAtOncePerTenant; count++) hanging.push(look(wish("k1", "evil", `i${count}`)));
    expect(await look(wish("k1", "evil", "i9"))).toBe("overloaded 1000");
    answer = () => Response.json({ keys: [first.jwk] });
    expect(await look(wish("k1", "good"))).toBe("found");
    answer = hang;
    while (hanging.length < jwksAtOnce) hanging.push(look(wish("k1", `evil-${hanging.length}`)));
    expect(await look(wish("k1", "late"))).toBe("overloaded 1000");
    expect(await look(wish("k1", "good"))).toBe("found");
    resolve(Response.json({ keys: [] }));
    expect(new Set(await Promise.all(hanging))).toEqual(new Set(["token_invalid"]));
    answer = () => Response.json({ keys: [first.jwk] });
    expect(await look(wish("k1", "late"))).toBe("found");
  });

  test("[A14] an address that is not public is not even asked", async () => {
    const asking = wish();
    const inside = { ...asking, issuer: { ...asking.issuer, jwksUrl: "https://169.254.169.254/latest" } };
    expect([await look(inside), asked]).toEqual([`overloaded ${jwksRetryMs}`, []]);
  });
});

test("[A14] what is kept has an end: the sets used longest ago go first", async () => {
  const { jwksKept } = fixedLimits;
  const ids = Array.from({ length: jwksKept }, (_, index) => `i${index}`);
  for (const id of ids) await look(wish("k1", "acme", id));
  expect(await look(wish("k1", "acme", "i0"))).toBe("found");
  expect(asked).toHaveLength(jwksKept);
  await look(wish("k1", "acme", "one-more"));
  await look(wish("k1", "acme", "i0"));
  expect(asked).toHaveLength(jwksKept + 1);
  await look(wish("k1", "acme", "i1"));
  expect(asked).toHaveLength(jwksKept + 2);

  const large = new KeySets();
  const count = Math.floor(fixedLimits.jwksKeptCharacters / 60_000);
  answer = () => Response.json({ keys: [first.jwk], pad: "x".repeat(60_000) });
  asked = [];
  for (let index = 0; index <= count; index++) await look(wish("k1", "acme", `i${index}`), large);
  await look(wish("k1", "acme", `i${count}`), large);
  expect(asked).toHaveLength(count + 1);
  await look(wish("k1", "acme", "i0"), large);
  expect(asked).toHaveLength(count + 2);
});
