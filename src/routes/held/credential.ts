/** The credential of a connection that the Worker holds: what it was opened with, or the newest token that it was sent. */
import { isApiKey } from "../../auth/apiKey.ts";
import type { Identity } from "../../auth/identity.ts";
import type { Bindings } from "../../env.ts";
import { refusalOf } from "../../objects/failures.ts";
import { type Refusal, refusals, refuse } from "../../protocol/refusals.ts";
import { identifyPresented, type Presented } from "../credentials.ts";
import { forgetPolicy, policyOf } from "../policies.ts";

type Identified = { readonly ok: true; readonly identity: Identity } | Refusal;

export class HeldCredential {
  readonly #env: Bindings;
  readonly #tenant: string;
  readonly #user: string | null;
  #presented: Presented;
  #key: string;
  /** Of the policy by which it was last found to be good. */
  #version: number;

  constructor(env: Bindings, presented: Presented, { tenant, user, key, policy }: Identity) {
    this.#env = env;
    this.#presented = presented;
    this.#tenant = tenant;
    this.#user = user;
    this.#key = key;
    this.#version = policy.version;
  }

  /** What it is worth now: it may have been revoked since. Never throws. */
  identify(): Promise<Identified> {
    return this.#identify(this.#presented).catch(refusalOf);
  }

  /** Null while it opens a connection at all. A tenant that cannot be asked now is asked again the next time. */
  async recheck(when?: "at once"): Promise<Refusal | null> {
    const asked = this.#presented;
    if (when === "at once") forgetPolicy(this.#tenant);
    const identified = await this.#identify(asked).catch(() => null);
    // What is found of the old one says nothing of the new one.
    if (identified === null || identified.ok || asked !== this.#presented) return null;
    // Nor is it refused where nobody can say now whether it is good.
    return refusals[identified.error].status >= 500 ? null : identified;
  }

  /** Whether its tenant has decided anything since it was last found to be good. */
  async hasNews(): Promise<boolean> {
    const policy = await policyOf(this.#env, this.#tenant, this.#key, Date.now()).catch(() => null);
    return policy?.version !== this.#version;
  }

  /** From now on the new token counts, if it is the same user's; else the old one stays. Never throws. */
  async replace(token: string): Promise<Identified> {
    if (isApiKey(token)) return refuse("token_invalid", "An API key is no token.");
    const presented = { ...this.#presented, credential: token };
    const identified = await this.#identify({ ...presented, asUser: null }).catch(refusalOf);
    if (!identified.ok) return identified;
    const { tenant, user } = identified.identity;
    if (tenant !== this.#tenant) return refuse("forbidden", "The new token is another tenant's.");
    if (user !== this.#user) return refuse("forbidden", "The new token is another user's than this connection.");
    this.#presented = presented;
    this.#key = identified.identity.key;
    return identified;
  }

  async #identify(presented: Presented): Promise<Identified> {
    const identified = await identifyPresented(this.#env, presented, Date.now());
    if (identified.ok) this.#version = identified.identity.policy.version;
    return identified;
  }
}
