/** What the Worker and its runtime print: held back until the start has said its own, then passed on as it comes. */
export interface LogLine {
  level: string;
  message: string;
}

export class WorkerLog {
  #held: LogLine[] | undefined = [];

  add(line: LogLine): void {
    if (this.#held) this.#held.push(line);
    else print(line);
  }

  /** Prints what was held, and from now on everything at once. */
  open(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    held.forEach(print);
  }
}

function print({ level, message }: LogLine): void {
  const stream = level === "warn" || level === "error" ? process.stderr : process.stdout;
  stream.write(`${message}\n`);
}
