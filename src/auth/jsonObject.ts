/** A JSON object that reads the same to everyone. */

export type JsonObject = Readonly<Record<string, unknown>>;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Null for what is no JSON object in UTF-8, and for one in which a name stands twice, at any depth: parsers differ over
 * which of the two counts, and it is how a name pasted into a tenant's hand-made claims would become a second `sub`.
 */
export function parseJsonObject(bytes: Uint8Array): JsonObject | null {
  try {
    const text = decoder.decode(bytes);
    const value: unknown = JSON.parse(text);
    return isObject(value) && !repeatsName(text) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The text has been parsed, so only strings and braces need to be told apart; a string before a colon is a name of the innermost object. */
function repeatsName(json: string): boolean {
  const open: Set<unknown>[] = [];
  for (const [token, text = "", colon] of json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (colon !== undefined) {
      // Unescaped, because `"\u0061ud"` is `"aud"`.
      const name: unknown = JSON.parse(text);
      const names = open.at(-1);
      if (names?.has(name)) return true;
      names?.add(name);
    }
  }
  return false;
}
