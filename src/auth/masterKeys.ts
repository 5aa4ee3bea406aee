/** The master keys of a deployment: every secret that it hands out is derived from one of them. */

const encoder = new TextEncoder();
const hmac = { name: "HMAC", hash: "SHA-256" };

/** Parse it once per isolate: it carries what was imported, and it is what the derived keys are kept by. */
export class MasterKeys {
  /** The version that makes new keys. The others go on opening what they made. */
  readonly current: number;
  // Private to the language: neither JSON nor a log of this object can show a secret.
  readonly #secrets: ReadonlyMap<number, string>;
  readonly #imported = new Map<number, CryptoKey>();

  constructor(current: number, secrets: ReadonlyMap<number, string>) {
    this.current = current;
    this.#secrets = secrets;
  }

  get versions(): number[] {
    return [...this.#secrets.keys()];
  }

  /** The 32 bytes that a label derives, or null when the version is unknown. Each use begins its label with a name of its own. */
  async derive(version: number, label: string): Promise<Uint8Array | null> {
    const key = await this.#key(version);
    return key && new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(label)));
  }

  /** Whether these are the bytes that the label derives, in constant time: `verify` is so in workerd and in Node, where `timingSafeEqual` is missing. */
  async derives(version: number, label: string, presented: Uint8Array): Promise<boolean> {
    const key = await this.#key(version);
    return key !== null && crypto.subtle.verify("HMAC", key, presented, encoder.encode(label));
  }

  // The key is kept and not its promise: in workerd a promise belongs to the request that made it and may never end for another.
  async #key(version: number): Promise<CryptoKey | null> {
    const imported = this.#imported.get(version);
    if (imported !== undefined) return imported;
    const secret = this.#secrets.get(version);
    if (secret === undefined) return null;
    const key = await crypto.subtle.importKey("raw", encoder.encode(secret), hmac, false, ["sign", "verify"]);
    this.#imported.set(version, key);
    return key;
  }
}

const parsed = new Map<string, MasterKeys>();

/** The same object for the same text: one isolate has one, or while they rotate two. */
export function masterKeysOf(text: string): MasterKeys {
  const known = parsed.get(text) ?? parseMasterKeys(text);
  parsed.set(text, known);
  return known;
}

/** From `MASTER_KEY="1:…,2:…"`. Throws with the place of the fault, never with what stands there. */
export function parseMasterKeys(text: string): MasterKeys {
  const secrets = new Map<number, string>();
  for (const [index, entry] of text.split(",").entries()) {
    const { version, secret } = parseEntry(entry.trim(), index + 1);
    if (secrets.has(version)) throw new Error(`MASTER_KEY: entry ${index + 1} repeats the version of an earlier one.`);
    secrets.set(version, secret);
  }
  const [current] = secrets.keys();
  if (current === undefined) throw new Error("MASTER_KEY is empty.");
  return new MasterKeys(current, secrets);
}

function parseEntry(entry: string, place: number): { version: number; secret: string } {
  if (entry === "") throw new Error(`MASTER_KEY: entry ${place} is empty.`);
  // As many digits as a key's id has room for.
  const parts = /^([1-9][0-9]{0,3}):(.*)$/s.exec(entry);
  if (parts === null)
    throw new Error(`MASTER_KEY: entry ${place} does not begin with its version, 1 to 9999, and a colon.`);
  const [, version = "", secret = ""] = parts;
  if (secret.length < 32) throw new Error(`MASTER_KEY: the secret of entry ${place} is shorter than 32 characters.`);
  if (!/^[!-~]+$/.test(secret))
    throw new Error(`MASTER_KEY: the secret of entry ${place} holds a space or what is not ASCII.`);
  return { version: Number(version), secret };
}
