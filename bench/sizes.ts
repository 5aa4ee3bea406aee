/** What is deployed and what a page loads, compressed as they are on their way. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { rehearse } from "../standalone/rehearsal.ts";

const root = join(import.meta.dirname, "..");

export interface Sizes {
  /** Kilobytes of 1,024 bytes: the Worker by gzip, the core of the SDK by brotli. */
  workerKilobytes: number;
  sdkKilobytes: number;
}

/** Makes both: the Worker as it is deployed, and not as `npm start` runs it, which is readable. */
export async function measureSizes(): Promise<Sizes> {
  const script = join(root, "standalone", "buildClient.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [script], { cwd: root });
  const sdk = Number(/^client: (\d+) bytes/m.exec(stdout)?.[1]);
  return { workerKilobytes: deployedBytes() / 1024, sdkKilobytes: sdk / 1024 };
}

function deployedBytes(): number {
  const folder = mkdtempSync(join(tmpdir(), "parley-sizes-"));
  try {
    rehearse(folder);
    return gzipSync(readFileSync(join(folder, "index.js"))).byteLength;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
