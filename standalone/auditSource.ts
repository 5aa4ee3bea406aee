/** Where an audit log is read from: a server, page by page, or a file, line by line. Nothing of it is believed yet. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import * as z from "zod";
import type { AuditStretch } from "../src/core/auditWalk.ts";
import { AuditHead } from "../src/protocol/audit.ts";
import { Problem } from "../src/protocol/http.ts";
import { Failure, systemCode } from "./failure.ts";

const Page = z.object({ items: z.array(z.unknown()), next: z.string().optional(), head: AuditHead });

const patienceMs = 30_000;

/** Throws a `Failure` that never contains the key. */
export async function* auditPages(server: string, key: string | undefined): AsyncIterable<AuditStretch> {
  if (key === undefined || key === "") throw new Failure("PARLEY_KEY must hold an API key with `admin`");
  if (!URL.canParse(server)) throw new Failure("this is no address of a server");
  for (let after: string | undefined = "0"; after !== undefined;) {
    const page: z.infer<typeof Page> = await pageAfter(server, key, after);
    yield page;
    // A server that names a next page after an empty one would have us ask for ever.
    if (page.items.length === 0) return;
    after = page.next;
  }
}

async function pageAfter(server: string, key: string, after: string): Promise<z.infer<typeof Page>> {
  const address = new URL(`/v1/audit?limit=200&after=${encodeURIComponent(after)}`, server);
  const response = await fetch(address, {
    headers: { Authorization: `Bearer ${key}` },
    // The key is for this server and for no other.
    redirect: "error",
    signal: AbortSignal.timeout(patienceMs),
  }).catch((error: unknown) => {
    throw new Failure(`${address.origin} does not answer: ${causeOf(error)}`);
  });
  const body: unknown = await response.json().catch(() => null);
  const page = Page.safeParse(body);
  if (response.ok && page.success) return page.data;
  const problem = Problem.safeParse(body);
  throw new Failure(`${address.origin} answers ${response.status}: ${problem.data?.detail ?? "this is no audit log"}`);
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

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return "no answer";
  return systemCode(error) ?? (error.cause instanceof Error ? causeOf(error.cause) : error.message);
}
