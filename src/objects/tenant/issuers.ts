/** The identity providers whose tokens a tenant takes. */
import type { Issuer } from "../../protocol/issuer.ts";
import { fixedLimits } from "../../protocol/limits.ts";
import { type Refusal, refuse } from "../../protocol/refusals.ts";
import type { Migration } from "../migrate.ts";

export const issuersMigration: Migration = {
  id: "issuers-1",
  sql: `
CREATE TABLE issuer (
  id           TEXT PRIMARY KEY,
  name         TEXT,
  issuer       TEXT    NOT NULL UNIQUE,     -- what its tokens say in iss
  jwks_url     TEXT    NOT NULL,
  algorithms   TEXT    NOT NULL,            -- JSON
  rooms        TEXT    NOT NULL,            -- JSON, what tokens that name no rooms get
  capabilities TEXT    NOT NULL,            -- JSON, the most that any of its tokens has
  created_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`,
};

export interface IssuerListing extends Issuer {
  readonly name: string | null;
  readonly createdAt: number;
}

export type NewIssuer = Omit<IssuerListing, "createdAt">;

export class Issuers {
  readonly #sql: SqlStorage;

  constructor({ sql }: DurableObjectStorage) {
    this.#sql = sql;
  }

  list(): IssuerListing[] {
    return this.#sql
      .exec<{
        id: string;
        name: string | null;
        issuer: string;
        jwks_url: string;
        algorithms: string;
        rooms: string;
        capabilities: string;
        created_at: number;
      }>(
        "SELECT id, name, issuer, jwks_url, algorithms, rooms, capabilities, created_at FROM issuer ORDER BY created_at, id",
      )
      .toArray()
      .map((row) => ({
        id: row.id,
        name: row.name,
        issuer: row.issuer,
        jwksUrl: row.jwks_url,
        algorithms: JSON.parse(row.algorithms),
        rooms: JSON.parse(row.rooms),
        capabilities: JSON.parse(row.capabilities),
        createdAt: row.created_at,
      }));
  }

  /** What the edge goes by. */
  inForce(): Issuer[] {
    return this.list().map(({ id, issuer, jwksUrl, algorithms, rooms, capabilities }) => ({
      id,
      issuer,
      jwksUrl,
      algorithms,
      rooms,
      capabilities,
    }));
  }

  /** Why it cannot be added, or null. Each `iss` once: two that say the same name would be one provider with two sets of keys. */
  refusal({ issuer }: Pick<NewIssuer, "issuer">): Refusal | null {
    const known = this.list();
    if (known.some((other) => other.issuer === issuer))
      return refuse("conflict", "An identity provider of this `issuer` is registered.");
    if (known.length >= fixedLimits.issuersPerTenant)
      return refuse("quota_exceeded", `A tenant has at most ${fixedLimits.issuersPerTenant} identity providers.`);
    return null;
  }

  add(issuer: NewIssuer, nowMs: number): void {
    this.#sql.exec(
      "INSERT INTO issuer (id, name, issuer, jwks_url, algorithms, rooms, capabilities, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      issuer.id,
      issuer.name,
      issuer.issuer,
      issuer.jwksUrl,
      JSON.stringify(issuer.algorithms),
      JSON.stringify(issuer.rooms),
      JSON.stringify(issuer.capabilities),
      nowMs,
    );
  }

  remove(id: string): void {
    this.#sql.exec("DELETE FROM issuer WHERE id = ?", id);
  }
}
