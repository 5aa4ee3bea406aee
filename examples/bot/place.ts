/** Where the bot stands: the id of the last message that it has looked at, in a file. */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

export class Place {
  /** Null before the first time. */
  seen: number | null;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    this.seen = existsSync(path) ? Number(readFileSync(path, "utf8")) : null;
  }

  /** In one step: a kill leaves the old number or the new one. */
  keep(id: number): void {
    writeFileSync(`${this.#path}.new`, String(id));
    renameSync(`${this.#path}.new`, this.#path);
    this.seen = id;
  }
}
