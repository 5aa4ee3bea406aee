/** The credential of a connection that the Worker holds: what it was opened with, or the newest token that it was sent. */
import { isApiKey } from "../../auth/apiKey.ts";
import type { Identity } from "../../auth/identity.ts";
import type { Bindings } from "../../env.ts";
import { refusalOf } from "../../objects/failures.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import { identifyPresented, type Presented } from "../credentials.ts";

type Identified = { readonly ok: true; readonly identity: Identity } | Refusal;

export class HeldCredential {
  readonly #env: Bindings;
  readonly #tenant: string;
  readonly #user: string | null;
  #presented: Presented;

  constructor(env: Bindings, presented: Presented, { tenant, user }: Pick<Identity, "tenant" | "user">) {
    this.#env = env;
    this.#presented = presented;
    this.#tenant = tenant;
    this.#user = user;
  }

  /** What it is worth now: it may have been revoked since. Never throws. */
  identify(): Promise<Identified> {
    return this.#identify(this.#presented).catch(refusalOf);
  }

  /** Null while it opens a connection at all. A tenant that cannot be asked now is asked again the next time. */
  async recheck(): Promise<Refusal | null> {
    const asked = this.#presented;
    const identified = await this.#identify(asked).catch(() => null);
    // What is found of the old one says nothing of the new one.
    return identified === null || identified.ok || asked !== this.#presented ? null : identified;
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
    return identified;
  }

  #identify(presented: Presented): Promise<Identified> {
    return identifyPresented(this.#env, presented, Date.now());
  }
}
