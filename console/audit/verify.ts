/** Proves the whole log here, in the browser, by the very code of `npm run verify-audit`. */
import { type AuditBreach, AuditWalk } from "../../src/core/auditWalk.ts";
import type { AuditHead } from "../../src/protocol/audit.ts";
import { answered, steadyApi } from "../api.ts";

export interface Verdict {
  /** Null for one whole chain. */
  readonly breach: AuditBreach | null;
  readonly entries: number;
  readonly head: AuditHead;
}

const pageSize = "200";

/** Reads every entry anew, and tells how far it is. Throws a ProblemError where the log cannot be read. */
export async function verify(onProgress: (seq: number, of: number) => void, signal: AbortSignal): Promise<Verdict> {
  const steady = steadyApi();
  const walk = new AuditWalk(null);
  for (let after: string | undefined = "0"; after !== undefined;) {
    signal.throwIfAborted();
    const page: Page = await answered(steady.v1.audit.$get({ query: { after, limit: pageSize } }));
    if (walk.read(page) !== null) break;
    onProgress(walk.head.seq, page.head.seq);
    // A server that names a next page after an empty one would have us ask for ever.
    after = page.items.length === 0 ? undefined : page.next;
  }
  return { breach: walk.end(), entries: walk.entries, head: walk.head };
}

interface Page {
  readonly items: readonly unknown[];
  readonly next?: string | undefined;
  readonly head: AuditHead;
}
