/** nginx or Caddy before a server, configured by the text of docs/self-host.md: only ports and certificates are put in. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectTcp, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { findProgram } from "../../bench/program.ts";

export type FrontKind = "nginx" | "caddy";

export interface Front {
  readonly port: number;
  stop(): Promise<void>;
}

const guide = readFileSync(join(import.meta.dirname, "../../docs/self-host.md"), "utf8");

/** Where it is installed, or null. Debian has nginx where only root looks. */
export function programOf(kind: FrontKind): string | null {
  return findProgram(kind, "/usr/sbin", "/usr/local/sbin") ?? null;
}

/** Ready when it takes connections, at https://localhost:port, with a certificate that nobody has signed. */
export async function startFront(program: string, kind: FrontKind, serverPort: number): Promise<Front> {
  const folder = mkdtempSync(join(tmpdir(), "parley-front-"));
  const port = await freePort();
  makeCertificate(folder);
  const file = join(folder, "configuration");
  writeFileSync(file, configurations[kind]({ folder, port, serverPort }));
  const options =
    kind === "nginx" ? ["-c", file, "-e", "stderr", "-p", folder] : ["run", "--adapter", "caddyfile", "--config", file];
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const child = spawn(program, options, { env, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk) => (said += String(chunk)));
  const kill = (): boolean => child.kill("SIGKILL");
  process.once("exit", kill);
  await vi.waitUntil(async () => child.exitCode !== null || (await accepts(port)), { timeout: 30_000 });
  if (child.exitCode !== null) throw new Error(`${kind} did not start:\n${said}`);
  return {
    port,
    async stop() {
      const ended = once(child, "exit");
      // Its workers end with it, and do not wait for those who are connected.
      child.kill("SIGTERM");
      await ended;
      process.off("exit", kill);
      rmSync(folder, { recursive: true });
    },
  };
}

interface Place {
  readonly folder: string;
  readonly port: number;
  readonly serverPort: number;
}

const configurations: Readonly<Record<FrontKind, (place: Place) => string>> = {
  nginx: ({ folder, port, serverPort }) => `daemon off;
pid ${folder}/pid;
events {}
http {
access_log off;
${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`).join("\n")}
${withServer(blockOf("nginx", "proxy_pass"), serverPort)
  .replace(/^ *listen \[::\].*\n/m, "")
  .replaceAll(/\b443\b/g, `127.0.0.1:${port}`)
  .replaceAll(/\/etc\/\S+\/(\w+\.pem)/g, `${folder}/$1`)}
}
`,
  caddy: ({ folder, port, serverPort }) => `{
	admin off
	auto_https disable_redirects
}
${withServer(blockOf("", "reverse_proxy"), serverPort).replace(
  /^\S+ \{\n/,
  `https://localhost:${port} {\n\tbind 127.0.0.1\n\ttls ${folder}/fullchain.pem ${folder}/privkey.pem\n`,
)}`,
};

function blockOf(language: string, holding: string): string {
  const blocks = [...guide.matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)];
  const found = blocks.find(([, of, text = ""]) => of === language && text.includes(holding))?.[2];
  if (found === undefined) throw new Error(`docs/self-host.md has no text with ${holding}`);
  return found;
}

function withServer(text: string, port: number): string {
  return text.replaceAll("127.0.0.1:8787", `127.0.0.1:${port}`);
}

function makeCertificate(folder: string): void {
  const files = ["-keyout", join(folder, "privkey.pem"), "-out", join(folder, "fullchain.pem")];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
  const named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  execFileSync("openssl", ["req", ...kind, ...named, ...files], { stdio: "ignore" });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp({ port, host: "127.0.0.1" });
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
