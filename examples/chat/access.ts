/** The tenant's key of this tab, and the tokens that it makes. In your application both are your server's work: a page gets a token, never a key. */

export interface Person {
  readonly user: string;
  readonly name: string;
}

export const people: readonly Person[] = [
  { user: "ada", name: "Ada" },
  { user: "bo", name: "Bo" },
];

const place = "parley.key";
const rooms = { "*": ["read", "publish", "react", "edit:own", "delete:own", "presence", "upload"] };

/** Takes the key out of `#key=…`, where no server sees it, and out of the address bar, where people and histories would. */
export function takeKey(): string | null {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key !== null) history.replaceState(null, "", location.pathname + location.search);
  return key;
}

export function keptKey(): string | null {
  return sessionStorage.getItem(place);
}

export function keepKey(key: string): void {
  sessionStorage.setItem(place, key);
}

export function forgetKey(): void {
  sessionStorage.removeItem(place);
}

/** Whose key it is, as it says itself. */
export function tenantOf(key: string): string {
  return /^parley_([^_]+)_/.exec(key)?.[1] ?? "no tenant that is known";
}

/** What the API has said no with. */
export class Refused extends Error {
  readonly code: string | null;
  /** Of HTTP. */
  readonly status: number;
  readonly requestId: string | null;

  constructor(status: number, problem: Readonly<Record<string, unknown>>) {
    const text = (name: string): string | null => (typeof problem[name] === "string" ? problem[name] : null);
    super(text("detail") ?? `The server answered ${status}.`);
    this.status = status;
    this.code = text("code");
    this.requestId = text("requestId");
  }
}

/** Throws Refused, or a TypeError when the server cannot be reached. */
export async function newToken(key: string, person: Person, signal: AbortSignal | null = null): Promise<string> {
  const response = await fetch("/v1/tokens", {
    method: "POST",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    body: JSON.stringify({ ...person, rooms }),
    signal,
  });
  const answer: unknown = await response.json().catch(() => null);
  const body = typeof answer === "object" && answer !== null ? answer : {};
  if (response.ok && "token" in body && typeof body.token === "string") return body.token;
  throw new Refused(response.status, { ...body });
}
