/** Which generation the data has been served under, so that a copy of it is not taken for what it was copied from. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { Failure, systemCode } from "./failure.ts";

const Served = z.strictObject({
  generation: z.int().min(1),
  /** This is a backup: what was served under that generation has gone on elsewhere since it was taken. */
  copied: z.boolean(),
});
type Served = z.infer<typeof Served>;

const first = 1;

/**
 * Throws a Failure for a lower generation than before, and for the same one over a backup: cursors of what came after it would
 * be taken for cursors of what comes now.
 */
export function claimGeneration(dataFolder: string, given: string | undefined): void {
  const generation = given === undefined ? first : Number(given);
  const served = readGeneration(dataFolder);
  if (served.copied && generation <= served.generation)
    throw new Failure(
      `${dataFolder} is restored from a backup: set GENERATION to a number above ${served.generation} that was never used before`,
    );
  if (generation < served.generation)
    throw new Failure(`${dataFolder} was served with GENERATION=${served.generation}: it never goes back`);
  if (generation > served.generation || served.copied) writeGeneration(dataFolder, { generation, copied: false });
}

export function readGeneration(dataFolder: string): Served {
  const path = join(dataFolder, "generation.json");
  try {
    return Served.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    if (systemCode(error) === "ENOENT") return { generation: first, copied: false };
    throw new Failure(`cannot read ${path}: it says with which GENERATION the data was served`);
  }
}

export function writeGeneration(dataFolder: string, served: Served): void {
  const path = join(dataFolder, "generation.json");
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(served)}\n`);
  renameSync(draft, path);
}
