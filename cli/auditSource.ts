/** Where an audit log is read from: a server, page by page, or a file, line by line. Nothing of it is believed yet. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import * as z from "zod";
import type { AuditStretch } from "../src/core/auditWalk.ts";
import { AuditHead } from "../src/protocol/audit.ts";
import type { Api } from "./api.ts";
import { Failure, systemCode } from "./failure.ts";

const Page = z.object({ items: z.array(z.unknown()), next: z.string().optional(), head: AuditHead });

/** With an API key that has `admin`. */
export async function* auditPages(api: Api): AsyncIterable<AuditStretch> {
  for (let after: string | undefined = "0"; after !== undefined;) {
    const page: z.infer<typeof Page> = await api.ask("/v1/audit", Page, { query: { limit: 200, after } });
    yield page;
    // A server that names a next page after an empty one would have us ask for ever.
    if (page.items.length === 0) return;
    after = page.next;
  }
}

/** Lines that are empty are passed over. */
export async function* auditFile(path: string): AsyncIterable<AuditStretch> {
  let line = 0;
  try {
    for await (const text of createInterface({ input: createReadStream(path, "utf8"), crlfDelay: Infinity })) {
      line++;
      if (text.trim() === "") continue;
      const value: unknown = JSON.parse(text);
      const page = Page.safeParse(value);
      yield page.success ? page.data : { items: [value], head: null };
    }
  } catch (error) {
    if (error instanceof SyntaxError) throw new Failure(`line ${line} of ${path} is not JSON`);
    const code = systemCode(error);
    throw code === undefined ? error : new Failure(`${path} cannot be read: ${code}`);
  }
}
