/** Peer: the library that Centrifugo is made of, in the version that Debian has, where its sources lie and Go can build them. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./port.ts";
import { findProgram } from "./program.ts";
import { Server } from "./server.ts";

const sources = "/usr/share/gocode";
const source = join(import.meta.dirname, "servers", "centrifuge.go");

/** Why it cannot be had on this machine. */
export function absent(): string | undefined {
  if (go() === undefined) return "no go, which builds centrifuge";
  const isThere = existsSync(join(sources, "src", "github.com", "centrifugal", "centrifuge"));
  return isThere ? undefined : "no golang-github-centrifugal-centrifuge-dev";
}

export async function start(dataFolder: string): Promise<Server> {
  await mkdir(dataFolder, { recursive: true });
  const command = join(dataFolder, "centrifuge");
  const env = { ...process.env, GO111MODULE: "off", GOFLAGS: "", GOPATH: sources };
  await promisify(execFile)(go() ?? "go", ["build", "-o", command, source], { env });
  const ready = (line: string) => /^ready (http:\/\/\S+)$/.exec(line)?.[1];
  return Server.start({ command, args: [String(await freePort())], env: {}, ready });
}

function go(): string | undefined {
  return findProgram("go", "/usr/local/go/bin");
}
