/** What a token says, read without its key: for eyes, and for nothing that is decided. */

export interface ShownClaims {
  readonly all: unknown;
  readonly expiresAtMs: number | null;
  /** A room that it is good for: of a pattern, one that fits. */
  readonly firstRoom: string;
}

/** Null where it is no token. */
export function claimsOf(token: string): ShownClaims | null {
  const all = payloadOf(token);
  if (typeof all !== "object" || all === null) return null;
  const exp: unknown = Reflect.get(all, "exp");
  const rooms: unknown = Reflect.get(all, "rooms");
  const [pattern = "general"] = typeof rooms === "object" && rooms !== null ? Object.keys(rooms) : [];
  return {
    all,
    expiresAtMs: typeof exp === "number" ? exp * 1_000 : null,
    firstRoom: pattern.replaceAll("*", "general"),
  };
}

function payloadOf(token: string): unknown {
  try {
    const [, payload = ""] = token.split(".");
    const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (unit) =>
      unit.charCodeAt(0),
    );
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}
