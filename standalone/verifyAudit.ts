/**
 * `npm run verify-audit -- <url or file> [--since <seq>:<hash>]`: whether an audit log is one whole chain, and goes on from a head
 * that was kept. A log is read from a server, with the API key in `PARLEY_KEY`; or from a file, with an entry or a page of
 * `GET /v1/audit` as JSON on each line.
 */
import { parseArgs } from "node:util";
import { breachOf, chainStart } from "../src/core/auditChain.ts";
import { AuditEntry, AuditHead } from "../src/protocol/audit.ts";
import { auditFile, auditPages, type Stretch } from "./auditSource.ts";
import { Failure } from "./failure.ts";

const usage = "usage: npm run verify-audit -- <url or file.ndjson> [--since <seq>:<hash>]";

/** The first entry that is not what the chain says. */
class Breach extends Failure {
  constructor(seq: number, why: string) {
    super(`broken at entry ${seq}: ${why}`);
  }
}

try {
  const { source, since } = readArguments();
  const stretches = /^https?:\/\//.test(source) ? auditPages(source, process.env["PARLEY_KEY"]) : auditFile(source);
  const { entries, head } = await verify(stretches, since);
  console.log(`ok: ${entries} entries, head ${head.seq} ${head.hash}`);
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

/** Throws a `Failure` at the first breach. `since` is a head that was kept from an earlier time. */
async function verify(
  stretches: AsyncIterable<Stretch>,
  since: AuditHead | null,
): Promise<{ readonly entries: number; readonly head: AuditHead }> {
  // Heads that were told must each be found on the way: the log may grow while it is read, but it does not change.
  const told = new Map<number, string>(since === null ? [] : [[since.seq, since.hash]]);
  let entries = 0;
  let head = chainStart;
  let tenant: string | null = null;
  for await (const { items, head: toldHead } of stretches) {
    if (toldHead !== null) tell(told, head, toldHead);
    for (const item of items) {
      const entry = parsed(item, head.seq + 1);
      // A file may begin where an earlier one ended.
      if (entries === 0 && since !== null && entry.seq === since.seq + 1) head = since;
      if (entry.tenant !== (tenant ??= entry.tenant)) throw new Breach(head.seq + 1, "it is of another tenant");
      const why = breachOf(entry, head);
      if (why !== null) throw new Breach(head.seq + 1, why);
      const hash = told.get(entry.seq);
      if (hash !== undefined && hash !== entry.hash) throw new Breach(entry.seq, `its hash was ${hash} before`);
      head = { seq: entry.seq, hash: entry.hash };
      entries++;
    }
  }
  const beyond = [...told.keys()].filter((seq) => seq > head.seq);
  if (beyond.length > 0)
    throw new Breach(head.seq + 1, `it is missing: the log went up to ${Math.max(...beyond)} before`);
  return { entries, head };
}

function tell(told: Map<number, string>, read: AuditHead, { seq, hash }: AuditHead): void {
  if (seq < read.seq) throw new Breach(seq + 1, `it is missing: the log went up to ${read.seq} before`);
  const known = seq === read.seq ? read.hash : told.get(seq);
  if (known !== undefined && known !== hash) throw new Breach(seq, `its hash was ${known} before, and now is ${hash}`);
  if (seq > read.seq) told.set(seq, hash);
}

function parsed(item: unknown, expectedSeq: number): AuditEntry {
  const entry = AuditEntry.safeParse(item);
  if (entry.success) return entry.data;
  const [issue] = entry.error.issues;
  throw new Breach(expectedSeq, `it is no entry: \`${issue?.path.join(".") ?? ""}\`: ${issue?.message ?? ""}`);
}

function readArguments(): { readonly source: string; readonly since: AuditHead | null } {
  const { positionals, values } = parsedArguments();
  const [source] = positionals;
  if (source === undefined || positionals.length > 1) throw new Failure(usage);
  if (values.since === undefined) return { source, since: null };
  const [, seq, hash] = /^([0-9]{1,15}):([0-9a-f]{64})$/.exec(values.since) ?? [];
  const since = AuditHead.safeParse({ seq: Number(seq), hash });
  if (!since.success || seq === undefined)
    throw new Failure(`--since is <seq>:<hash>, as a page's \`head\` says it\n${usage}`);
  return { source, since: since.data };
}

function parsedArguments() {
  try {
    return parseArgs({ allowPositionals: true, options: { since: { type: "string" } } });
  } catch (error) {
    throw new Failure(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
}
