/** Programs of others that a bench or a test is run against: where they are installed. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The path of a program, looked for on the PATH first and then in these folders; undefined where it is not installed. */
export function findProgram(name: string, ...folders: readonly string[]): string | undefined {
  return [...(process.env["PATH"] ?? "").split(delimiter), ...folders]
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
