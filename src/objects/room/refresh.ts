/** A new token on a socket that stays. The only file of the objects that knows credentials. */
import { isApiKey } from "../../auth/apiKey.ts";
import { type Authority, identifyToken, sessionIn, termsOf } from "../../auth/identity.ts";
import { masterKeysOf } from "../../auth/masterKeys.ts";
import { refreshOnce } from "../../core/validity.ts";
import { Policy } from "../../protocol/policy.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import { failureOf, refusalOf } from "../failures.ts";
import { type RoomBindings, tenantStub } from "../stubs.ts";
import { renew } from "./existence.ts";
import type { RoomParts } from "./parts.ts";
import { reseat } from "./reseat.ts";
import type { Seat } from "./roster.ts";

/** Null where there is no such tenant. */
const AnyPolicy = Policy.nullable();

export type Refreshed = { readonly ok: true; readonly expiresAt: number } | Refusal;

export class Refresher {
  readonly #tenant: string;
  readonly #authority: () => Authority;
  readonly #onSettled: () => void;

  /** `onSettled` is called at the end of each: an event of its own. */
  constructor(env: RoomBindings, tenant: string, onSettled: () => void) {
    this.#tenant = tenant;
    this.#onSettled = onSettled;
    this.#authority = () => ({
      masterKeys: masterKeysOf(env.MASTER_KEY),
      policyOf: async (named, key) => AnyPolicy.parse(await tenantStub(env, named).policy(key)),
      claimedPolicyOf: async (claimed) =>
        claimed.tenant === tenant
          ? { ok: true, policy: AnyPolicy.parse(await tenantStub(env, tenant).policy(null)) }
          : foreign(),
      revocationOf: async (named, issued) => (await tenantStub(env, named).revocationsOf([issued]))[0] ?? null,
      // An object ends what it has begun without being told to.
      fetching: { isPrivateAllowed: env.PRIVATE_ENDPOINTS === "allow", keep: () => undefined },
    });
  }

  /**
   * Tells the outcome once. What the socket sends until then goes by the session that it has: nothing waits for the answer, and
   * a room that loses its memory meanwhile gives none. The token is kept nowhere.
   */
  begin(parts: RoomParts, seat: Seat, token: string, nowMs: number, tell: (outcome: Refreshed) => void): void {
    const begun = refreshOnce(seat.refreshes, nowMs);
    if (!begun.ok) return tell(begun);
    seat.refreshes = begun.refreshes;
    void this.#refresh(parts, seat, token, nowMs)
      .catch(failed)
      .then((outcome) => {
        seat.refreshes = { ...seat.refreshes, underway: false };
        if (!isHere(parts, seat)) return;
        tell(outcome);
        this.#onSettled();
      });
  }

  async #refresh(parts: RoomParts, seat: Seat, token: string, nowMs: number): Promise<Refreshed> {
    if (isApiKey(token)) return refuse("token_invalid", "An API key is no token.");
    const identified = await identifyToken(this.#authority(), token, nowMs);
    if (!identified.ok) return identified;
    const { identity } = identified;
    if (identity.tenant !== this.#tenant) return foreign();
    if (identity.policy.suspended) return refuse("tenant_suspended");
    const session = sessionIn(parts.name, identity, seat.session.connection);
    const behind = await renew(parts, { session, policy: termsOf(identity) });
    const shut = behind ?? (await parts.account.reenter(session.connection));
    if (shut !== null) return shut;
    try {
      // From here on nothing is waited for: what has been decided meanwhile has been heard of.
      if (!isHere(parts, seat) || session.expiresAt === null) return refuse("internal");
      const refused = reseat(parts, seat, session, Date.now());
      return refused ?? { ok: true, expiresAt: session.expiresAt };
    } finally {
      parts.account.entered(session.connection);
    }
  }
}

function foreign(): Refusal {
  return refuse("forbidden", "The new token is another tenant's.");
}

/** Not closed meanwhile. */
function isHere({ roster }: RoomParts, seat: Seat): boolean {
  return roster.find(seat.socket) === seat;
}

/** The error is the platform's or ours: it has seen the token as little as the tenant has. */
function failed(error: unknown): Refusal {
  if (failureOf(error) === "bug") console.error("a refresh failed", error);
  return refusalOf(error);
}
