/** Peer: Centrifugo 6 with its memory engine and history on, where its binary is on the PATH or in ~/go/bin. */
import { mkdir, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { freePort } from "./port.ts";
import { findProgram } from "./program.ts";
import { Server } from "./server.ts";

export function binary(): string | undefined {
  return findProgram("centrifugo", join(homedir(), "go", "bin"));
}

export async function start(dataFolder: string): Promise<Server> {
  const command = binary();
  if (command === undefined) throw new Error("no centrifugo");
  const port = await freePort();
  await mkdir(dataFolder, { recursive: true });
  const file = join(dataFolder, "centrifugo.json");
  await writeFile(file, JSON.stringify(configuration(port)));
  // It says on which address it serves, in JSON or in colours, after it began to listen.
  const ready = (line: string) =>
    line.includes("serving") && line.includes(String(port)) ? `http://127.0.0.1:${port}` : undefined;
  return Server.start({ command, args: ["--config", file], env: {}, ready });
}

function configuration(port: number) {
  return {
    http_server: { address: "127.0.0.1", port },
    log: { level: "info" },
    engine: { type: "memory" },
    client: { insecure: true, allowed_origins: ["*"] },
    // `insecure` lets everybody subscribe and publish without tokens. History as long as a run needs, with recovery's positions.
    channel: { without_namespace: { history_size: 10_000, history_ttl: "300s", force_positioning: true } },
  };
}
