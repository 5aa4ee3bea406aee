/** The assistants of a tenant: what each is told, where its model is, and its key, sealed. */
import type { Answering, Assistant, AssistantSettings, SealedKey } from "../../protocol/assistant.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Migration } from "../migrate.ts";

export const assistantsMigration: Migration = {
  id: "assistants-1",
  sql: `
CREATE TABLE assistant (
  id         TEXT PRIMARY KEY,              -- the user under whom it speaks
  settings   TEXT    NOT NULL,              -- JSON: name, url, model, prompt, answers, prefix, history, maxTokens, silenceMs
  box        TEXT,                          -- its key, sealed with a key that is derived from
  master_key INTEGER,                       -- this version of the master key
  key_set_at INTEGER,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`,
};

/** With its key as it may be written down. */
export interface KeptAssistant extends Assistant {
  readonly key: SealedKey | null;
}

/** What who administers has set. */
export function settingsOf(assistant: AssistantSettings): AssistantSettings {
  const { name, url, model, prompt, answers, prefix, history, maxTokens, silenceMs } = assistant;
  return { name, url, model, prompt, answers, prefix, history, maxTokens, silenceMs };
}

/** As it is shown. */
export function listingOf({ key: _key, ...assistant }: KeptAssistant): Assistant {
  return assistant;
}

export class Assistants {
  readonly #sql: SqlStorage;

  constructor({ sql }: DurableObjectStorage) {
    this.#sql = sql;
  }

  list(): KeptAssistant[] {
    return this.#sql.exec<Row>("SELECT * FROM assistant ORDER BY id").toArray().map(assistantOf);
  }

  find(id: string): KeptAssistant | null {
    const [row] = this.#sql.exec<Row>("SELECT * FROM assistant WHERE id = ?", id).toArray();
    return row === undefined ? null : assistantOf(row);
  }

  /** What rooms go by. */
  answering(): Answering[] {
    return this.list().map(({ id, answers, prefix }) => ({ id, answers, prefix }));
  }

  /** Why there cannot be another one, or null. */
  get refusal(): Refusal | null {
    const { count } = this.#sql.exec<{ count: number }>("SELECT count(*) AS count FROM assistant").one();
    if (count < fixedLimits.assistantsPerTenant) return null;
    return refuse("quota_exceeded", `A tenant has at most ${fixedLimits.assistantsPerTenant} assistants.`);
  }

  /** Whether the key of any is sealed under this version of the master key. */
  hasKeysOf(masterKey: number): boolean {
    return this.#sql.exec("SELECT 1 FROM assistant WHERE master_key = ? LIMIT 1", masterKey).toArray().length > 0;
  }

  /** In place of what there was of it. */
  save({ id, key, keySetAt, createdAt, ...assistant }: KeptAssistant): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO assistant (id, settings, box, master_key, key_set_at, created_at) VALUES (?, ?, ?, ?, ?, ?)",
      id,
      JSON.stringify(settingsOf(assistant)),
      key?.box ?? null,
      key?.masterKey ?? null,
      keySetAt,
      createdAt,
    );
  }

  remove(id: string): void {
    this.#sql.exec("DELETE FROM assistant WHERE id = ?", id);
  }
}

type Row = {
  readonly id: string;
  readonly settings: string;
  readonly box: string | null;
  readonly master_key: number | null;
  readonly key_set_at: number | null;
  readonly created_at: number;
};

function assistantOf({ id, box, master_key: masterKey, ...row }: Row): KeptAssistant {
  const settings: AssistantSettings = JSON.parse(row.settings);
  const key = box === null || masterKey === null ? null : { box, masterKey };
  return { id, ...settings, hasKey: key !== null, keySetAt: row.key_set_at, createdAt: row.created_at, key };
}
