/** Whether a tenant's audit log is one whole chain, and goes on from a head that was kept. */
import * as z from "zod";
import { type AuditStretch, AuditWalk } from "../../src/core/auditWalk.ts";
import { AuditHead } from "../../src/protocol/audit.ts";
import { addressOf } from "../access.ts";
import { Api } from "../api.ts";
import { auditFile, auditPages } from "../auditSource.ts";
import { command } from "../command.ts";
import { Failure } from "../failure.ts";

/** A head, as a page of the log says it. */
const Since = z
  .string()
  .regex(/^[0-9]{1,15}:[0-9a-f]{64}$/, "<seq>:<hash>, as a page's `head` says it")
  .transform((text) => ({ seq: Number(text.split(":")[0]), hash: text.split(":")[1] }))
  .pipe(AuditHead);

export const verifyAudit = command({
  name: "verify-audit",
  summary: "Prove that an audit log is one whole chain, and name the first entry that is not",
  more: "It is read from the server, with a key that has `admin`, or from a file with an entry or a page of\nGET /v1/audit as JSON on each line.",
  example: "npx parley verify-audit\nnpx parley verify-audit kept.ndjson --since 209:6c1f…",
  words: { source: { text: "a file, or the address of another server", schema: z.string().optional() } },
  options: {
    since: { text: "a head that was kept from an earlier time", value: "seq:hash", schema: Since.optional() },
  },
  async run({ source, since = null }, { api, access, terminal, json }) {
    const stretches = (): AsyncIterable<AuditStretch> => {
      if (source === undefined) return auditPages(api);
      if (!/^https?:/.test(source)) return auditFile(source);
      return auditPages(new Api({ ...access, url: addressOf(source) }, terminal));
    };
    const { entries, head } = await verify(stretches(), since);
    if (json) terminal.json({ entries, head });
    else terminal.line(`ok: ${entries} entries, head ${head.seq} ${head.hash}`);
  },
});

/** Throws at the first breach. */
async function verify(stretches: AsyncIterable<AuditStretch>, since: AuditHead | null): Promise<AuditWalk> {
  const walk = new AuditWalk(since);
  for await (const stretch of stretches) if (walk.read(stretch) !== null) break;
  const breach = walk.end();
  if (breach !== null) throw new Failure(`broken at entry ${breach.seq}: ${breach.why}`);
  return walk;
}
