/** What is deployed and what a page loads, compressed as they are on their way. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";

const root = join(import.meta.dirname, "..");

export interface Sizes {
  /** Kilobytes of 1,024 bytes: the Worker by gzip, the core of the SDK by brotli. */
  workerKilobytes: number;
  sdkKilobytes: number;
}

/** Builds both. */
export async function measureSizes(): Promise<Sizes> {
  const run = (script: string) =>
    promisify(execFile)(process.execPath, [join(root, "standalone", script)], { cwd: root });
  await run("build.ts");
  const worker = gzipSync(readFileSync(join(root, "dist", "index.js"))).byteLength;
  const { stdout } = await run("buildClient.ts");
  const sdk = Number(/^client: (\d+) bytes/m.exec(stdout)?.[1]);
  return { workerKilobytes: worker / 1024, sdkKilobytes: sdk / 1024 };
}
