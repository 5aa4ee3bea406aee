/**
 * `npm run verify-audit -- <url or file> [--since <seq>:<hash>]`: whether an audit log is one whole chain, and goes on from a head
 * that was kept. A log is read from a server, with the API key in `PARLEY_KEY`; or from a file, with an entry or a page of
 * `GET /v1/audit` as JSON on each line.
 */
import { parseArgs } from "node:util";
import { type AuditStretch, AuditWalk } from "../src/core/auditWalk.ts";
import { AuditHead } from "../src/protocol/audit.ts";
import { auditFile, auditPages } from "./auditSource.ts";
import { Failure } from "./failure.ts";

const usage = "usage: npm run verify-audit -- <url or file.ndjson> [--since <seq>:<hash>]";

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
  stretches: AsyncIterable<AuditStretch>,
  since: AuditHead | null,
): Promise<{ readonly entries: number; readonly head: AuditHead }> {
  const walk = new AuditWalk(since);
  for await (const stretch of stretches) if (walk.read(stretch) !== null) break;
  const breach = walk.end();
  if (breach !== null) throw new Failure(`broken at entry ${breach.seq}: ${breach.why}`);
  return { entries: walk.entries, head: walk.head };
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
