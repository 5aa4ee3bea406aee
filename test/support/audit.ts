/** The audit log of a tenant: as it is answered, as it lies in the database, and what is wrong with it. */
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { breachOf, chainStart } from "../../src/core/auditChain.ts";
import { AuditLog } from "../../src/objects/tenant/audit.ts";
import { type AuditEntry, AuditPage } from "../../src/protocol/audit.ts";
import { call, type TestTenant } from "./api.ts";

/** All of it, page by page. */
export async function auditOf({ key }: Pick<TestTenant, "key">, query = "", limit = 200): Promise<AuditEntry[]> {
  const items: AuditEntry[] = [];
  let after = "0";
  for (;;) {
    const answer = await call(`/v1/audit?after=${after}&limit=${limit}${query}`, { credential: key });
    if (answer.status !== 200) throw new Error(await answer.text());
    const page = AuditPage.parse(await answer.json());
    items.push(...page.items);
    if (page.next === undefined) return items;
    after = page.next;
  }
}

/** The first entry that is not what the chain says, as `seq: why`; null for a whole chain. */
export function firstBreach(entries: readonly AuditEntry[]): string | null {
  let previous = chainStart;
  for (const entry of entries) {
    const why = breachOf(entry, previous);
    if (why !== null) return `${previous.seq + 1}: ${why}`;
    previous = entry;
  }
  return null;
}

export function inDatabase<T>(tenant: string, body: (sql: SqlStorage, log: AuditLog) => T): Promise<T> {
  return runInDurableObject(env.TENANT.getByName(tenant), (_, { storage }) =>
    body(storage.sql, new AuditLog(storage, () => tenant)),
  );
}
