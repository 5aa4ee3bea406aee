/** The API key of this tab, and the tokens that it mints. In a real application this is the work of your server. */
const place = "parley.key";

/** Takes the key out of `#key=…`, where no server sees it, and out of the address bar, where people and histories would. */
export function takeKey() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key === null) return sessionStorage.getItem(place);
  history.replaceState(null, "", location.pathname + location.search);
  keepKey(key);
  return key;
}

export function keepKey(key) {
  sessionStorage.setItem(place, key);
}

export function forgetKey() {
  sessionStorage.removeItem(place);
}

/** A refusal of the API, in the words of its `application/problem+json`. */
export class Refused extends Error {
  constructor({ detail, title, code, status, requestId, retryable, retryAfterMs }) {
    super(detail ?? title ?? `The server answered ${status}.`);
    Object.assign(this, { code, status, requestId, retryable: retryable ?? status >= 500, retryAfterMs });
  }
}

/** Tokens of one user: the one at hand while it lasts, and a new one before it ends or when told that it did. */
export class Tokens {
  #key;
  #grant;
  #minted = null;

  constructor(key, { user, name, rooms }) {
    this.#key = key;
    this.#grant = { user, name, rooms };
  }

  /** Throws Refused, or a TypeError when the server cannot be reached. */
  async token({ renew = false } = {}) {
    const lasts = this.#minted !== null && this.#minted.expiresAt - Date.now() > 60_000;
    if (renew || !lasts) this.#minted = await this.#mint();
    return this.#minted.token;
  }

  async #mint() {
    const response = await fetch("/v1/tokens", {
      method: "POST",
      headers: { Authorization: `Bearer ${this.#key}`, "Content-Type": "application/json" },
      body: JSON.stringify(this.#grant),
      signal: AbortSignal.timeout(10_000),
    });
    const body = await response.json().catch(() => ({}));
    if (!response.ok) throw new Refused({ ...body, status: response.status });
    return body;
  }
}
