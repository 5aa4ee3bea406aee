/** The secrets nobody gave us: made once, kept in the data folder, readable by its owner only. */
import { randomBytes } from "node:crypto";
import { chmodSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { Environment } from "./environment.ts";
import { Failure, systemCode } from "./failure.ts";

const Kept = z.strictObject({
  operatorKey: z.string().optional(),
  masterKey: z.string().optional(),
  demoKey: z.string().optional(),
});
type Kept = z.infer<typeof Kept>;

export class Secrets {
  readonly operatorKey: string;
  readonly masterKey: string;
  readonly #path: string;
  #kept: Kept;

  /** What the environment gives is used and never written down. Throws a Failure rather than replace what it cannot read. */
  constructor(given: Environment) {
    this.#path = join(given.DATA_DIR, "secrets.json");
    this.#kept = read(this.#path);
    this.operatorKey = given.OPERATOR_KEY ?? this.#kept.operatorKey ?? randomBytes(36).toString("base64url");
    this.masterKey = given.MASTER_KEY ?? this.#kept.masterKey ?? newMasterKey(given.DATA_DIR);
    this.#keep({
      ...(given.OPERATOR_KEY === undefined && { operatorKey: this.operatorKey }),
      ...(given.MASTER_KEY === undefined && { masterKey: this.masterKey }),
    });
  }

  /** The API key of the tenant `demo` as it was when last seen to work. */
  get demoKey(): string | undefined {
    return this.#kept.demoKey;
  }

  keepDemoKey(demoKey: string): void {
    this.#keep({ demoKey });
  }

  #keep(added: Kept): void {
    const kept = { ...this.#kept, ...added };
    if (JSON.stringify(kept) === JSON.stringify(this.#kept)) return;
    write(this.#path, kept);
    this.#kept = kept;
  }
}

// API keys are derived from the master key: a new one over old data would refuse every key and token ever given out, without a word.
function newMasterKey(dataFolder: string): string {
  if (existsSync(join(dataFolder, "do")))
    throw new Failure(`${dataFolder} holds rooms but no master key: set MASTER_KEY to the one they were made with`);
  // 36 bytes are 48 url-safe characters.
  return `1:${randomBytes(36).toString("base64url")}`;
}

function read(path: string): Kept {
  let text;
  try {
    text = readFileSync(path, "utf8");
    chmodSync(path, 0o600);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return {};
    throw new Failure(`cannot read ${path}: ${systemCode(error)}`);
  }
  const parsed = Kept.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new Failure(
    `${path} is damaged: restore it from a backup; without its master key no API key and no token works any more`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// Written aside, synced and moved in: a crash leaves the old file or the new one.
function write(path: string, kept: Kept): void {
  const draft = `${path}.${process.pid}`;
  const file = openSync(draft, "w", 0o600);
  writeSync(file, `${JSON.stringify(kept, null, 2)}\n`);
  fsyncSync(file);
  closeSync(file);
  renameSync(draft, path);
}
