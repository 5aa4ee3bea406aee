/** Which server is asked, and with which key. A key comes from the environment or from a file, never from the command line. */
import { readFileSync, statSync } from "node:fs";
import * as z from "zod";
import { Failure, systemCode, UsageError } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

export interface Access {
  /** Without a trailing slash. */
  readonly url: string;
  /** An API key, the operator's key, or a token. Throws a UsageError where there is none. */
  readonly key: (of?: "tenant" | "operator") => string;
}

export interface AccessOptions {
  readonly url: string | undefined;
  readonly keyFile: string | undefined;
  readonly environment: NodeJS.ProcessEnv;
  readonly terminal: Terminal;
}

const defaultUrl = "http://127.0.0.1:8787";
/** What `npm start` keeps in its data folder: a key file as it is, for the server of one's own machine. */
const Secrets = z.object({ operatorKey: z.string().optional(), demoKey: z.string().optional() });
/** What may stand in a header. */
const Key = z.string().regex(/^[!-~]{16,8192}$/);

export function accessOf({ url, keyFile, environment, terminal }: AccessOptions): Access {
  const given = environment["PARLEY_KEY"] ?? "";
  const key = (of: "tenant" | "operator" = "tenant"): string => {
    const found = keyFile === undefined ? given : keyIn(keyFile, of, terminal);
    if (found === "")
      throw new UsageError("there is no key: put it into PARLEY_KEY, or into a file and name that with --key-file");
    terminal.withhold(found);
    if (!Key.safeParse(found).success) throw new UsageError("this is no key: one line of visible characters");
    return found;
  };
  return { url: addressOf(url ?? (environment["PARLEY_URL"] || defaultUrl)), key };
}

/** Without a trailing slash. Throws a UsageError. */
export function addressOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new UsageError("the address of a server begins with http:// or https://");
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    throw new UsageError("the address of a server stands alone, without a name, a password, ? or #");
  return url.href.replace(/\/+$/, "");
}

function keyIn(path: string, of: "tenant" | "operator", terminal: Terminal): string {
  const text = read(path).trim();
  const isOpen = process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0;
  if (isOpen) terminal.note("warning: others on this machine may read the key file: chmod 600 makes it yours alone");
  if (!text.startsWith("{")) return text;
  const { operatorKey, demoKey } = secretsIn(text);
  return (of === "operator" ? operatorKey : demoKey) ?? "";
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new Failure(`the key file cannot be read: ${systemCode(error) ?? "unknown reason"}`);
  }
}

function secretsIn(text: string): z.infer<typeof Secrets> {
  try {
    return Secrets.parse(JSON.parse(text));
  } catch {
    throw new UsageError("the key file holds neither a key nor the secrets of a server");
  }
}
